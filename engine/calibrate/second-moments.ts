/** Second moments Σ x xᵀ of the inputs of linear layers, over all positions of the calibration examples. */
import { type CalibrationRun, inputStatistics, positionCount } from './input-statistics.ts';

export interface SecondMoment {
  readonly size: number;
  /** Σ x xᵀ, symmetric, [size, size]; shared by layers with the same input, so treat it as read-only. */
  readonly sum: Float64Array;
  /** Number of positions summed. */
  readonly count: number;
}

/** By role. Products run in float32 within an example and are summed in float64. */
export async function secondMoments(run: CalibrationRun): Promise<ReadonlyMap<string, SecondMoment>> {
  const count = positionCount(run.examples);
  const statistics = await inputStatistics(run, ['second-moment']);
  return new Map(
    [...statistics].map(([role, { features, of }]) => [role, { size: features, sum: of('second-moment'), count }]),
  );
}
