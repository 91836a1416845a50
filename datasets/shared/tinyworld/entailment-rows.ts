/** Entailment pairs as rows: slices and classes alternate, and each row has its own random stream. */
import { present } from '../../../contracts/present.ts';
import type { DatasetRow, SplitName, Splits } from '../../../contracts/dataset.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { drawEntailment, ENTAILMENT_CLASSES, ENTAILMENT_SLICES } from './entailment.ts';
import { tinyWorld, WORLD_SEED } from './world.ts';

/** Multiples of slices times classes, so that all combinations are equally frequent. */
const ROWS: Readonly<Record<SplitName, number>> = { test: 1_500, validation: 600, calibration: 300, training: 40_005 };

export function entailmentRows(): Splits {
  const root = createRandom(`${WORLD_SEED}/entailment`);
  const world = tinyWorld();
  const rows = (split: SplitName): readonly DatasetRow[] =>
    Array.from({ length: ROWS[split] }, (_, index) => {
      const slice = present(
        ENTAILMENT_SLICES[index % ENTAILMENT_SLICES.length],
        'ENTAILMENT_SLICES[index%ENTAILMENT_SLICES.length]',
      );
      const label = Math.floor(index / ENTAILMENT_SLICES.length) % ENTAILMENT_CLASSES.length;
      const random = root.fork(`${split}/${index}`);
      const { story, statement } = drawEntailment(
        { random, world },
        slice,
        present(ENTAILMENT_CLASSES[label], 'ENTAILMENT_CLASSES[label]'),
      );
      return { id: `${split}-${String(index).padStart(5, '0')}`, text: story, pair: statement, label, slice };
    });
  return {
    test: rows('test'),
    validation: rows('validation'),
    calibration: rows('calibration'),
    training: rows('training'),
  };
}
