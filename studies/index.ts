/** Every study, sorted by id. Each is also a suite of its own; `shrinkrank study <id>` measures and answers it. */
import { adapters } from './adapters.ts';
import { gradualOrOneShot } from './gradual-or-one-shot.ts';
import { lowBitActivations } from './low-bit-activations.ts';
import { orderings } from './orderings.ts';
import type { Study } from './study.ts';
import { systemGains } from './system-gains.ts';
import { taskOrReconstruction } from './task-or-reconstruction.ts';
import { threeFamilies } from './three-families.ts';
import { trainingPays } from './training-pays.ts';
import { uptrainingHeadMerge } from './uptraining-head-merge.ts';

export const studies: readonly Study[] = [
  adapters,
  gradualOrOneShot,
  lowBitActivations,
  orderings,
  systemGains,
  taskOrReconstruction,
  threeFamilies,
  trainingPays,
  uptrainingHeadMerge,
];
