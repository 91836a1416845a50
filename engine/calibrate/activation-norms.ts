/** Norms of the inputs of linear layers, by feature, over all positions of the calibration examples. */
import { type CalibrationRun, inputStatistics, positionCount } from './input-statistics.ts';

export interface ActivationNorms {
  /** ‖X_j‖₂, [in] */
  readonly euclidean: Float64Array;
  /** mean |X_j|, [in] */
  readonly meanAbsolute: Float64Array;
  /** max |X_j|, [in] */
  readonly largestAbsolute: Float64Array;
  /** Number of positions. */
  readonly count: number;
}

/** By role. */
export async function activationNorms(run: CalibrationRun): Promise<ReadonlyMap<string, ActivationNorms>> {
  const count = positionCount(run.examples);
  const statistics = await inputStatistics(run, ['square-sum', 'absolute-sum', 'absolute-maximum']);
  return new Map(
    [...statistics].map(([role, { of }]) => [
      role,
      {
        euclidean: of('square-sum').map(Math.sqrt),
        meanAbsolute: of('absolute-sum').map((sum) => sum / count),
        largestAbsolute: of('absolute-maximum'),
        count,
      },
    ]),
  );
}
