import { GPT } from './contests.ts';
import { better } from './relations.ts';
import type { Study } from './study.ts';

export const taskOrReconstruction: Study = {
  id: 'task-or-reconstruction',
  title: 'Train for the task, or rebuild layer by layer?',
  question:
    'The same structure, once with weights that rebuild the outputs of the dense layers on calibration data, once trained on the task on a hundred thousand tokens.',
  contests: [GPT],
  relations: [
    better('qat/w2g32-t100k', 'gptq/w2g32', 'two bits: task against layer-wise rounding'),
    better('gradual-magnitude/s70-t100k', 'sparsegpt/s70', '70 % zeros: task against layer-wise update'),
    better('svd-finetune/p50-t100k', 'svd-whitened/p50', 'half the rank: task against whitened truncation'),
    better('distilbert-style/d50-t100k', 'layerwise-frozen/d50', 'half the layers: task against closed form'),
    better('albert-style/all-t100k', 'tie-layers/d25', 'shared layers, trained against corrected in closed form'),
  ],
  notes: [],
};
