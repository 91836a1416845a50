/** High-cost against low-cost, weight class by weight class: the answer the board exists for. */
import { isOnAllCores } from '../../contracts/latency-shape.ts';
import type { DerivedEntry, Headline, Paired } from '../../contracts/derived.ts';
import { COST_CLASSES } from '../../contracts/taxonomy.ts';
import type { CostClass } from '../../contracts/taxonomy.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Provider } from '../../contracts/runner.ts';
import { breakEven } from './break-even.ts';

export interface HeadlineFacts {
  /** First minus second. Both are ranked. */
  readonly compare: (first: DerivedEntry, second: DerivedEntry) => Paired | null;
  readonly shapes: readonly { readonly shape: string; readonly batch: number; readonly sequence: number }[];
  /** Of the runner; null when nothing was timed. */
  readonly provider: Provider | null;
}

export function headlines(entries: readonly DerivedEntry[], facts: HeadlineFacts): Headline[] {
  return PROTOCOL.weightClasses.map((weightClass) => {
    const proposals = entries.filter((entry) => entry.weightClass === weightClass && isProposal(entry));
    const [low, high] = COST_CLASSES.map((costClass) => bestOf(proposals, costClass, facts)) as [Best, Best];
    const both = low.best && high.best ? { low: low.best, high: high.best } : null;
    const comparison = both && facts.compare(both.high, both.low);
    return {
      weightClass,
      lowCost: low.best?.slug ?? null,
      highCost: high.best?.slug ?? null,
      lowCostTied: low.tied,
      highCostTied: high.tied,
      comparison,
      computeRatio: both && computeRatio(both),
      wallRatio: both && ratioOf(both.high.cost?.wallSeconds, both.low.cost?.wallSeconds),
      breakEven: both ? breakEvens(both, facts) : [],
      verdict: verdictOf(low, high, comparison),
      atEqualSize: high.best ? atEqualSize(entries, high.best, facts) : null,
    };
  });
}

/** Ranked, and meant to be used. */
export function isProposal({ control, badges, place }: DerivedEntry): boolean {
  return place !== null && !control && badges.every(({ id }) => id !== 'simulated');
}

interface Best {
  readonly best: DerivedEntry | undefined;
  readonly tied: string[];
}

function bestOf(proposals: readonly DerivedEntry[], costClass: CostClass, { compare }: HeadlineFacts): Best {
  const members = proposals
    .filter((entry) => entry.costClass === costClass)
    .sort((a, b) => (a.place ?? 0) - (b.place ?? 0));
  const [best] = members;
  const tied = best ? members.slice(1).filter((entry) => compare(entry, best)?.significant !== true) : [];
  return { best, tied: tied.map(({ slug }) => slug) };
}

/** The best of the low-cost entries, of any class, that are no larger than this high-cost one. */
function atEqualSize(
  entries: readonly DerivedEntry[],
  high: DerivedEntry,
  facts: HeadlineFacts,
): Headline['atEqualSize'] {
  const limit = high.size?.zstdBytes ?? 0;
  const small = entries.filter((entry) => isProposal(entry) && (entry.size?.zstdBytes ?? Infinity) <= limit);
  const { best: low } = bestOf(small, 'low-cost', facts);
  const comparison = low ? facts.compare(high, low) : null;
  if (!low || !comparison) return null;
  return {
    lowCost: low.slug,
    comparison,
    computeRatio: computeRatio({ low, high }),
    wallRatio: ratioOf(high.cost?.wallSeconds, low.cost?.wallSeconds),
  };
}

interface Both {
  readonly low: DerivedEntry;
  readonly high: DerivedEntry;
}

function computeRatio({ low, high }: Both): number | null {
  if (low.compute?.unit !== high.compute?.unit) return null;
  return ratioOf(high.compute?.seconds, low.compute?.seconds);
}

function ratioOf(high: number | undefined, low: number | undefined): number | null {
  return high === undefined || low === undefined || low <= 0 ? null : high / low;
}

function breakEvens({ low, high }: Both, { shapes, provider }: HeadlineFacts): Headline['breakEven'] {
  if (provider === null) return [];
  const timingOf = (entry: DerivedEntry, shape: string) =>
    entry.latency.find((latency) => latency.shape === shape) ?? null;
  // Processor seconds against processor seconds: on all cores a call takes several at a time.
  return shapes
    .filter(({ shape }) => !isOnAllCores(shape))
    .map((shape) =>
      breakEven(shape, {
        costly: { compute: high.compute, timing: timingOf(high, shape.shape) },
        cheap: { compute: low.compute, timing: timingOf(low, shape.shape) },
        provider,
      }),
    );
}

function verdictOf(low: Best, high: Best, comparison: Paired | null): Headline['verdict'] {
  if (low.best && high.best && comparison === null) return 'undecided';
  if (comparison === null) return low.best ? 'only low-cost' : high.best ? 'only high-cost' : 'empty';
  if (comparison.better === null) return 'undecided';
  return comparison.better === 'first' ? 'high-cost better' : 'low-cost better';
}
