/** Divides a published training split into validation, calibration and training rows. */
import type { DatasetRow, Splits } from '../../contracts/dataset.ts';
import { createRandom } from '../../numerics/tensor/random.ts';

export interface TrainSplitSizes {
  /** Name of the random stream. */
  readonly dataset: string;
  /** Minimum number of rows. */
  readonly validation: number;
  readonly calibration: number;
}

/**
 * Texts are drawn at random until a split has enough rows; rows with the same text stay together, so that validation
 * shares no premise and no repeated sentence with training. Each split is in the order of `rows`.
 */
export function splitTraining(
  rows: readonly DatasetRow[],
  { dataset, validation, calibration }: TrainSplitSizes,
): Pick<Splits, 'validation' | 'calibration' | 'training'> {
  const byText = Map.groupBy(rows, ({ text }) => text);
  const groups = createRandom(`${dataset}/training`).shuffle([...byText.values()]);
  let taken = 0;
  const take = (least: number): ReadonlySet<DatasetRow> => {
    const chosen = new Set<DatasetRow>();
    for (; taken < groups.length && chosen.size < least; taken++) groups[taken]?.forEach((row) => chosen.add(row));
    return chosen;
  };
  const held = take(validation);
  const calibrating = take(calibration);
  return {
    validation: rows.filter((row) => held.has(row)),
    calibration: rows.filter((row) => calibrating.has(row)),
    training: rows.filter((row) => !held.has(row) && !calibrating.has(row)),
  };
}
