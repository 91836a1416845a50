import { GPT } from './contests.ts';
import { better, notWorse } from './relations.ts';
import type { Study } from './study.ts';

export const trainingPays: Study = {
  id: 'training-pays',
  title: 'What does training buy over a look at calibration data?',
  question:
    'Methods that train, at a hundred thousand and at a million tokens, against methods without training in the same format: the one that each of them starts from, and the best there is. Dense trained alike stands beside them.',
  contests: [GPT],
  relations: [
    better('gradual-magnitude/s50-t100k', 'magnitude/s50', 'pruned while training against one shot'),
    better('gradual-magnitude/s70-t100k', 'magnitude/s70', 'pruned while training against one shot'),
    better('qat/w4g32-t100k', 'rtn/w4g32', 'rounding that is trained through, against rounding alone'),
    better('qat/w2g32-t100k', 'rtn/w2g32', 'rounding that is trained through, against rounding alone'),
    better('svd-finetune/p50-t100k', 'svd/p50', 'truncated and trained on, against truncated'),
    better('qat/w4g32-t1m', 'gptq/w4g32', 'four bits: trained through against the best without training'),
    better('qat/w3g32-t1m', 'gptq/w3g32', 'three bits: trained through against the best without training'),
    better('qat/w2g32-t1m', 'gptq/w2g32', 'two bits: trained through against the best without training'),
    better(
      'qat/w2g32-e4-t1m',
      'gptq/w2g32-e4',
      'two bits, embedding of four: trained through against the best without training',
    ),
    better('gradual-magnitude/s50-t1m', 'sparsegpt/s50', 'half zeros: pruned while training against the best without'),
    better('gradual-magnitude/s70-t1m', 'sparsegpt/s70', '70 % zeros: pruned while training against the best without'),
    better('prune-lora/2-of-4-r8-t1m', 'sparsegpt/2-of-4', 'two zeros of four: recovered by adapters against not'),
    better('svd-finetune/p50-t1m', 'svd-whitened/p50', 'half the rank: trained on against the best without training'),
    better('logit-kd/d50-t1m', 'layer-drop/d50', 'half the layers: distilled against left out'),
    better(
      'prune-distill-quantize/d50-w4g32-t1m',
      'svd-quantize/p50-w4g32',
      'half the size at four bits: layers distilled against rank cut without training',
    ),
    notWorse('dense-finetune/r3e-5-t100k', 'dense/fp32', 'dense trained gently on its own data'),
    better('dense/fp32', 'dense-finetune/r3e-3-t100k', 'dense against itself trained at the highest rate'),
    notWorse('logit-kd/d50-t1m', 'student-no-kd/d50-compute-t1m', 'a teacher against as many multiplications without'),
    notWorse('logit-kd/d50-t100k', 'student-no-kd/d50-t100k', 'the same student with a teacher and without'),
    notWorse('logit-kd/small-t100k', 'student-no-kd/small-t100k', 'the same student with a teacher and without'),
  ],
  notes: [],
};
