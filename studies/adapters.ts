import { GPT } from './contests.ts';
import { better, notWorse } from './relations.ts';
import type { Study } from './study.ts';

const RUNS = [
  '20261125T231435-orderings-mln',
  '20261125T232652-orderings-40n',
  '20261125T233402-training-pays-94p',
  '20261125T235209-adapters-itj',
  '20261126T000341-training-pays-olq',
  '20261126T004320-training-pays-2ur',
  '20261126T012758-quick-8zz',
  '20261126T033328-quick-onh',
];

export const adapters: Study = {
  id: 'adapters',
  title: 'What do adapters recover, and for what memory?',
  question:
    'Low-rank adapters trained on a compressed model, against the compressed model alone and against training all of its weights.',
  contests: [GPT],
  relations: [
    better('prune-lora/s50-r8-t100k', 'sparsegpt/s50', 'adapters against nothing'),
    notWorse('prune-lora/s50-r8-t100k', 'gradual-magnitude/s50-t100k', 'adapters against all weights'),
    better('qlora-recovery/nf4-r8-t100k', 'nf4/b64', 'adapters against nothing'),
    better('qlora-recovery/w2g32-r8-t100k', 'rtn/w2g32', 'adapters against nothing'),
    notWorse('qlora-recovery/w2g32-r8-t100k', 'qat/w2g32-t100k', 'adapters against all weights'),
  ],
  notes: [
    {
      date: '2026-12-01',
      runs: RUNS,
      text: 'At two bits the adapters make the file larger than the quantized weights alone: they are stored in half precision.',
    },
  ],
};
