import { GPT } from './contests.ts';
import { better, notWorse } from './relations.ts';
import type { Study } from './study.ts';

export const gradualOrOneShot: Study = {
  id: 'gradual-or-one-shot',
  title: 'Compress gradually, or in one shot and recover?',
  question:
    'Pruning that goes on through training against one shot followed by as many steps of recovery, and one shot alone.',
  contests: [GPT],
  relations: [
    better('gradual-magnitude/s70-n100', 'prune-lora/s70-r8-n100', 'gradual against one shot and adapters'),
    better('prune-lora/s70-r8-n100', 'sparsegpt/s70', 'recovery against none'),
    notWorse(
      'movement/s70-n100',
      'gradual-magnitude/s70-n100',
      'movement of weights against their size; reported from 90 % zeros on',
    ),
    better('gradual-magnitude/s90-n100', 'magnitude/s90', '90 % zeros: pruned while training against one shot'),
    better('gradual-magnitude/s90-n300', 'gradual-magnitude/s90-n100', '90 % zeros: three times the steps'),
    better('movement/s90-n100', 'gradual-magnitude/s90-n100', '90 % zeros: movement against size (Sanh et al. 2020)'),
    better('movement/s90-n300', 'gradual-magnitude/s90-n300', '90 % zeros: movement against size (Sanh et al. 2020)'),
    better('prune-quantize/s50-w4g32', 'rtn/w2g32', 'zeros and four bits against two bits'),
  ],
  notes: [],
};
