/** A published training split in three: rows to validate on, rows to calibrate on, and the rest to train on. */
import type { DatasetRow, Splits } from '../../contracts/dataset.ts';
import { createRandom } from '../../numerics/tensor/random.ts';

export interface TrainSplitSizes {
  /** Names the stream of random numbers. */
  readonly dataset: string;
  /** At least so many rows. */
  readonly validation: number;
  readonly calibration: number;
}

/**
 * Texts are drawn at random until a split has its rows; rows of one text stay together, so that what is validated on shares
 * no premise and no repeated sentence with what is trained on. Each split is in the order of `rows`.
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
