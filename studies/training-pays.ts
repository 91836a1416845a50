import { GPT } from './contests.ts';
import { better, notWorse } from './relations.ts';
import type { Study } from './study.ts';

export const trainingPays: Study = {
  id: 'training-pays',
  title: 'What does training buy over a look at calibration data?',
  question:
    'Four methods that train, at a hundred thousand tokens, against the method without training that each of them starts from, at the same size.',
  contests: [GPT],
  relations: [
    better('gradual-magnitude/s50-t100k', 'magnitude/s50', 'pruned while training against one shot'),
    better('gradual-magnitude/s70-t100k', 'magnitude/s70', 'pruned while training against one shot'),
    better('qat/w4g32-t100k', 'rtn/w4g32', 'rounding that is trained through, against rounding alone'),
    better('qat/w2g32-t100k', 'rtn/w2g32', 'rounding that is trained through, against rounding alone'),
    better('svd-finetune/p50-t100k', 'svd/p50', 'truncated and trained on, against truncated'),
    notWorse('logit-kd/d50-t100k', 'student-no-kd/d50-t100k', 'the same student with a teacher and without'),
    notWorse('logit-kd/small-t100k', 'student-no-kd/small-t100k', 'the same student with a teacher and without'),
  ],
  notes: [],
};
