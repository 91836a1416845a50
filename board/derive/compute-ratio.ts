/** How many times the compute one side of a headline took of the other: a range, since several entries may stand for a side. */
import type { ComputeRatio, DerivedEntry } from '../../contracts/derived.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Estimate } from '../../contracts/result.ts';
import { type UncertainFigure, intervalOf } from '../../numerics/statistics/variance-components.ts';

type Priced = Pick<DerivedEntry, 'slug' | 'compute'>;

export interface CostedSide {
  readonly best: Priced;
  /** That no test tells from the best. */
  readonly tied: readonly Priced[];
}

/** Or why there is none. */
export function computeRatio(high: CostedSide, low: CostedSide): ComputeRatio | string {
  const [cheapestLow, cheapestHigh] = [cheapestOf(low), cheapestOf(high)];
  if (!cheapestLow?.compute || !cheapestHigh?.compute || !high.best.compute) return 'a cost was not read';
  const costs = [cheapestLow.compute, cheapestHigh.compute, high.best.compute];
  if (new Set(costs.map(({ unit }) => unit)).size > 1) return 'seconds of an accelerator and of a processor';
  if (costs.some(({ seconds }) => seconds < PROTOCOL.cost.leastSeconds))
    return 'a cost is too small to be told from none';
  return {
    cheapestLowCost: cheapestLow.slug,
    cheapestHighCost: cheapestHigh.slug,
    least: ratioOf(cheapestHigh.compute, cheapestLow.compute),
    most: ratioOf(high.best.compute, cheapestLow.compute),
  };
}

function cheapestOf({ best, tied }: CostedSide): Priced | undefined {
  const seconds = ({ compute }: Priced) => compute?.seconds ?? Infinity;
  return [best, ...tied].toSorted((a, b) => seconds(a) - seconds(b))[0];
}

type Cost = NonNullable<DerivedEntry['compute']>;

/** Null ends where a side was measured once: nothing says how much its cost varies. */
function ratioOf(first: Cost, second: Cost): ComputeRatio['least'] {
  const value = first.seconds / second.seconds;
  const parts = [first, second].flatMap(({ seconds, runs, deviation }) =>
    deviation === null ? [] : [{ variance: (deviation / seconds) ** 2 / runs, degreesOfFreedom: runs - 1 }],
  );
  if (parts.length < 2) return { value, interval: null };
  const figure: UncertainFigure = { value: Math.log(value), components: parts };
  const { low, high } = intervalOf(figure, PROTOCOL.quality.confidence);
  return { value, interval: { low: Math.exp(low), high: Math.exp(high) } satisfies Omit<Estimate, 'value'> };
}
