/** The Pareto fronts of a board: quality against size, speed and the cost of compressing, for each cost class. */
import type { DerivedEntry, Front } from '../../contracts/derived.ts';
import { COST_CLASSES } from '../../contracts/taxonomy.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { isProposal } from './headline.ts';
import { paretoFront } from './pareto-front.ts';

interface Axis {
  readonly axis: Front['axis'];
  readonly shape: string | null;
  readonly unit: Front['unit'];
  /** Smaller is better; null keeps an entry out. */
  readonly price: (entry: DerivedEntry) => number | null;
}

export function frontsOf(entries: readonly DerivedEntry[], shapes: readonly string[]): Front[] {
  const proposals = entries.filter(isProposal);
  // Both classes are drawn on one axis, so they have one unit.
  const axes = axesFor(proposals, shapes);
  return COST_CLASSES.flatMap((costClass) => {
    const members = proposals.filter((entry) => entry.costClass === costClass);
    return axes.map(({ axis, shape, unit, price }) => {
      const points = members.flatMap((entry) => {
        const own = price(entry);
        return own === null || entry.quality === null ? [] : [{ entry, loss: lossOf(entry.quality), price: own }];
      });
      const front = paretoFront(points, (point) => point);
      return { costClass, axis, shape, unit, entries: front.map(({ entry }) => entry.slug) };
    });
  });
}

function lossOf({ higherIsBetter, estimate }: NonNullable<DerivedEntry['quality']>): number {
  return higherIsBetter ? -estimate.value : estimate.value;
}

function axesFor(proposals: readonly DerivedEntry[], shapes: readonly string[]): readonly Axis[] {
  const units = new Set(proposals.flatMap(({ compute }) => (compute ? [compute.unit] : [])));
  return [
    { axis: 'size', shape: null, unit: 'zstd bytes', price: ({ size }) => size?.zstdBytes ?? null },
    ...shapes.map((shape) => ({
      axis: 'latency' as const,
      shape,
      unit: 'speed-up' as const,
      price: ({ latency }: DerivedEntry) => {
        const timed = latency.find((each) => each.shape === shape);
        return timed && !timed.noisy ? -timed.speedUp.value : null;
      },
    })),
    units.size > 1
      ? {
          axis: 'compression-cost',
          shape: null,
          unit: 'wall seconds',
          price: ({ cost }) => secondsOf(cost?.wallSeconds),
        }
      : {
          axis: 'compression-cost',
          shape: null,
          unit: 'compute seconds',
          price: ({ compute }) => secondsOf(compute?.seconds),
        },
  ];
}

/** Below the least that is told from none, costs are equal. */
function secondsOf(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Math.max(seconds, PROTOCOL.cost.leastSeconds);
}
