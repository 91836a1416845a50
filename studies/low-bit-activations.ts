import { GPT, LLAMA } from './contests.ts';
import { better, notWorse } from './relations.ts';
import type { Study } from './study.ts';

const RUNS = [
  '20261125T231435-orderings-mln',
  '20261125T232652-orderings-40n',
  '20261126T001413-low-bit-activations-61t',
  '20261126T003535-low-bit-activations-mkw',
  '20261126T004320-training-pays-2ur',
  '20261126T010644-system-gains-mt9',
  '20261126T012758-quick-8zz',
];

export const lowBitActivations: Study = {
  id: 'low-bit-activations',
  title: 'What happens to activations below eight bits?',
  question:
    'Activations of eight and of four bits beside weights of eight and of four, rounded without training and trained through on a hundred thousand tokens.',
  contests: [GPT, LLAMA],
  relations: [
    notWorse('int8-dynamic/channel', 'rtn/w8g32', 'eight bits: activations too, against weights alone'),
    notWorse('int8-dynamic/channel', 'int8-static/minmax', 'eight bits: ranges of each call against fixed ones'),
    notWorse('smoothquant/a50', 'int8-dynamic/channel', 'eight bits: smoothed (Xiao et al. 2023) against not'),
    notWorse('gptq/w8a8g32', 'gptq/w8g32', 'eight bits on a fixed grid: activations too, against weights alone'),
    better('gptq/w8a8g32', 'gptq/w8a4g32', 'activations of eight bits against four, weights of eight'),
    notWorse('gptq/w4a8g32', 'gptq/w4g32', 'weights of four bits: activations of eight against float'),
    better('gptq/w4a8g32', 'gptq/w4a4g32', 'weights of four bits: activations of eight against four'),
    better('gptq/w4a8g32', 'gptq/w8a4g32', 'four bits for weights against four bits for activations'),
    notWorse('qat/w4a8g32-t100k', 'qat/w4g32-t100k', 'trained: activations of eight bits against float'),
    better('qat/w4a8g32-t100k', 'qat/w4a4g32-t100k', 'trained: activations of eight bits against four'),
    better('qat/w4a4g32-t100k', 'gptq/w4a4g32', 'four by four bits: trained against rounded'),
    better('qat/w4a4g32-t100k', 'rtn/w3g32', 'four by four bits, trained, against weights of three bits, rounded'),
  ],
  notes: [
    {
      date: '2026-12-01',
      runs: RUNS,
      text: 'Training through four-bit activations wins on the Llama and loses to GPTQ on the GPT. Both use one learning rate. A separate trial on validation data at a third of that rate reversed the order on the GPT and cost the Llama quality.',
    },
    {
      date: '2026-12-01',
      runs: RUNS,
      text: 'Four-bit activations are simulated: onnxruntime has no kernel for such products, so the study makes no statement on their speed.',
    },
  ],
};
