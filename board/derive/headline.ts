/**
 * High-cost against low-cost, weight class by weight class: the answer the board exists for. A verdict never compares across
 * sizes: who wins has no more bytes than who loses, within PROTOCOL.headline.sizeTolerance.
 */
import { isOnAllCores } from '../../contracts/latency-shape.ts';
import type { DerivedEntry, Headline, Paired } from '../../contracts/derived.ts';
import type { CostClass } from '../../contracts/taxonomy.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Provider } from '../../contracts/runner.ts';
import { holm } from '../../numerics/statistics/significance.ts';
import { breakEven } from './break-even.ts';
import { computeRatio } from './compute-ratio.ts';

export interface HeadlineFacts {
  /** First minus second. Both are ranked. Null where they cannot be compared. */
  readonly compare: (first: DerivedEntry, second: DerivedEntry) => Paired | null;
  readonly shapes: readonly { readonly shape: string; readonly batch: number; readonly sequence: number }[];
  /** Of the runner; null when nothing was timed. */
  readonly provider: Provider | null;
}

const LEVEL = 1 - PROTOCOL.quality.confidence;

/** Ranked, and meant to be used. */
export function isProposal({ control, badges, place }: DerivedEntry): boolean {
  return place !== null && !control && badges.every(({ id }) => id !== 'simulated');
}

export function headlines(entries: readonly DerivedEntry[], facts: HeadlineFacts): Headline[] {
  const proposals = entries.filter(isProposal).sort((a, b) => (a.place ?? 0) - (b.place ?? 0));
  const matches = PROTOCOL.weightClasses.map((weightClass) => matchesOf(proposals, { weightClass, facts }));
  const all = [...new Map(matches.flat().map((match) => [nameOf(match), match])).values()];
  const adjusted = holm(all.map(({ comparison }) => comparison.pValue));
  const significant = new Set(all.filter((_, i) => (adjusted[i] ?? 1) <= LEVEL).map(nameOf));
  return PROTOCOL.weightClasses.map((weightClass, index) => {
    const own = matches[index] ?? [];
    const { verdict, match } = settle(own, (each) => significant.has(nameOf(each)));
    const best = (costClass: CostClass) =>
      proposals.find((entry) => entry.weightClass === weightClass && entry.costClass === costClass);
    const [low, high] = [best('low-cost'), best('high-cost')];
    // What no entry of the class is, one of a smaller class stands in for only where it wins.
    const told = (low && high) || verdict === 'high-cost better' || verdict === 'low-cost better';
    if (match && told) return lineOf(weightClass, { verdict, match, facts });
    return {
      ...EMPTY,
      weightClass,
      lowCost: low?.slug ?? null,
      highCost: high?.slug ?? null,
      verdict: low && high ? 'undecided' : low ? 'only low-cost' : high ? 'only high-cost' : 'empty',
    };
  });
}

const EMPTY = {
  lowCost: null,
  highCost: null,
  lowCostTied: [],
  highCostTied: [],
  comparison: null,
  computeRatio: null,
  noComputeRatio: null,
  breakEven: [],
};

/** The best entry of each cost class at one size. */
interface Match {
  readonly low: DerivedEntry;
  readonly high: DerivedEntry;
  /** High minus low. */
  readonly comparison: Paired;
  /** What each was the best of. */
  readonly lowAmong: readonly DerivedEntry[];
  readonly highAmong: readonly DerivedEntry[];
}

/**
 * At the size of the best high-cost entry of the class, and at that of its best low-cost entry: each against the best of the
 * other cost class that is no larger, whatever its weight class.
 * @param proposals best first.
 */
function matchesOf(
  proposals: readonly DerivedEntry[],
  { weightClass, facts }: { readonly weightClass: number; readonly facts: HeadlineFacts },
): Match[] {
  const of = (costClass: CostClass) => proposals.filter((entry) => entry.costClass === costClass);
  const inClass = (costClass: CostClass) => of(costClass).filter((entry) => entry.weightClass === weightClass);
  const [highs, lows] = [inClass('high-cost'), inClass('low-cost')];
  const atHigh = highs[0] && against(highs[0], of('low-cost'), facts);
  const atLow = lows[0] && against(lows[0], of('high-cost'), facts);
  const matchOf = (high: DerivedEntry, low: DerivedEntry): Paired | null => facts.compare(high, low);
  return [
    ...(highs[0] && atHigh ? [{ high: highs[0], low: atHigh.best, lowAmong: atHigh.among, highAmong: highs }] : []),
    ...(lows[0] && atLow ? [{ high: atLow.best, low: lows[0], lowAmong: lows, highAmong: atLow.among }] : []),
  ].flatMap((match) => {
    const comparison = matchOf(match.high, match.low);
    return comparison ? [{ ...match, comparison }] : [];
  });
}

/** Of those that are no larger and can be compared, the best, and all of them. */
function against(entry: DerivedEntry, others: readonly DerivedEntry[], { compare }: HeadlineFacts) {
  const among = others.filter((other) => isNoLarger(other, entry) && compare(entry, other) !== null);
  const [best] = among;
  return best && { best, among };
}

function isNoLarger(entry: DerivedEntry, than: DerivedEntry): boolean {
  const limit = (than.size?.zstdBytes ?? 0) * (1 + PROTOCOL.headline.sizeTolerance);
  return (entry.size?.zstdBytes ?? Infinity) <= limit;
}

function nameOf({ high, low }: Pick<Match, 'high' | 'low'>): string {
  return `${high.slug} ${low.slug}`;
}

interface Settled {
  readonly verdict: Headline['verdict'];
  readonly match: Match | undefined;
}

function settle(matches: readonly Match[], isSignificant: (match: Match) => boolean): Settled {
  const won = matches.filter(isSignificant).map((match) => {
    const highIsBetter = match.comparison.better === 'first';
    const fair = highIsBetter ? isNoLarger(match.high, match.low) : isNoLarger(match.low, match.high);
    const verdict = highIsBetter ? ('high-cost better' as const) : ('low-cost better' as const);
    return { match, fair, verdict };
  });
  const fair = won.filter((each) => each.fair);
  if (new Set(fair.map(({ verdict }) => verdict)).size > 1)
    return { verdict: 'depends on size', match: fair[0]?.match };
  if (fair[0]) return fair[0];
  const undecided = matches.find((match) => !isSignificant(match));
  if (undecided) return { verdict: 'undecided', match: undecided };
  return { verdict: 'larger is better', match: won[0]?.match };
}

function lineOf(
  weightClass: number,
  parts: { readonly verdict: Headline['verdict']; readonly match: Match; readonly facts: HeadlineFacts },
): Headline {
  const { verdict, match, facts } = parts;
  const { low, high, comparison } = match;
  const [lowTied, highTied] = [tiedWith(low, match.lowAmong, facts), tiedWith(high, match.highAmong, facts)];
  const ratio = computeRatio({ best: high, tied: highTied }, { best: low, tied: lowTied });
  return {
    weightClass,
    lowCost: low.slug,
    highCost: high.slug,
    lowCostTied: lowTied.map(({ slug }) => slug),
    highCostTied: highTied.map(({ slug }) => slug),
    comparison,
    computeRatio: typeof ratio === 'string' ? null : ratio,
    noComputeRatio: typeof ratio === 'string' ? ratio : null,
    breakEven: breakEvens(match, facts),
    verdict,
  };
}

/** Those that no test separates from the best of them, corrected for their number. */
function tiedWith(best: DerivedEntry, among: readonly DerivedEntry[], { compare }: HeadlineFacts): DerivedEntry[] {
  const others = among.filter((entry) => entry !== best);
  const adjusted = holm(others.map((entry) => compare(entry, best)?.pValue ?? 1));
  return others.filter((_, index) => (adjusted[index] ?? 1) > LEVEL);
}

function breakEvens({ low, high }: Match, { shapes, provider }: HeadlineFacts): Headline['breakEven'] {
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
