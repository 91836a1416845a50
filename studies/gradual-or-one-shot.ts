import { GPT } from './contests.ts';
import { better, notWorse } from './relations.ts';
import type { Study } from './study.ts';

export const gradualOrOneShot: Study = {
  id: 'gradual-or-one-shot',
  title: 'Compress gradually, or in one shot and recover?',
  question:
    'Pruning that goes on through training against one shot followed by recovery on as many tokens, and one shot alone.',
  contests: [GPT],
  relations: [
    better('gradual-magnitude/s70-t100k', 'prune-lora/s70-r8-t100k', 'gradual against one shot and adapters'),
    better('prune-lora/s70-r8-t100k', 'sparsegpt/s70', 'recovery against none'),
    notWorse(
      'movement/s70-t100k',
      'gradual-magnitude/s70-t100k',
      'movement of weights against their size; reported from 90 % zeros on',
    ),
    better('gradual-magnitude/s90-t100k', 'magnitude/s90', '90 % zeros: pruned while training against one shot'),
    better('gradual-magnitude/s90-t1m', 'gradual-magnitude/s90-t100k', '90 % zeros: ten times the tokens'),
    better('movement/s90-t100k', 'gradual-magnitude/s90-t100k', '90 % zeros: movement against size (Sanh et al. 2020)'),
    better('movement/s90-t1m', 'gradual-magnitude/s90-t1m', '90 % zeros: movement against size (Sanh et al. 2020)'),
    better('prune-quantize/s50-w4g32', 'rtn/w2g32', 'zeros and four bits against two bits'),
  ],
  notes: [],
};
