/** The answer of a study in sentences. Every figure and every name comes from the judged relations; without rows there is none. */
import type { BoardEntry } from '../../board/derive/leaderboard.ts';
import { formatEstimate, formatRatio } from '../../contracts/words/figures.ts';
import type { Judgement } from '../../numerics/statistics/judge-relation.ts';
import type { Expectation } from '../../numerics/statistics/relation-claim.ts';
import type { JudgedContest, JudgedRelation } from '../setup/judge-study.ts';
import type { RelationMetric } from '../../studies/study.ts';

/** The words for an expectation, by what is compared. */
export const EXPECTATION_WORDS: Readonly<Record<RelationMetric, Readonly<Record<Expectation, string>>>> = {
  quality: { better: 'better', 'not worse': 'not worse', 'not better': 'not better', equal: 'as good' },
  latency: { better: 'faster', 'not worse': 'not slower', 'not better': 'not faster', equal: 'as fast' },
  size: { better: 'smaller', 'not worse': 'not larger', 'not better': 'not smaller', equal: 'as small' },
};

/** `a/b better than c/d`, with the shape of a relation of latency. */
export function nameOfRelation({ relation, shape }: JudgedRelation): string {
  const { first, second, expected, metric = 'quality' } = relation;
  const words = EXPECTATION_WORDS[metric][expected];
  return `${first} ${words} ${expected === 'equal' ? 'as' : 'than'} ${second}${shape === undefined ? '' : ` at ${shape}`}`;
}

/** Sentences on each contest of which at least one relation was judged. */
export function concludeStudy(contests: readonly JudgedContest[]): readonly string[] {
  return contests.flatMap(concludeContest);
}

type Judged = JudgedRelation & { readonly judgement: Judgement };

function concludeContest({ contest, judged, entries }: JudgedContest): readonly string[] {
  const measured = judged.filter(isJudged);
  if (measured.length === 0) return [];
  const of = (verdict: Judgement['verdict']) => measured.filter(({ judgement }) => judgement.verdict === verdict);
  const [open, refuted] = [of('not shown'), of('refuted')];
  const missing = judged.length - measured.length;
  const largest = largestGain(measured);
  const costs = costRatios(measured, entries);
  const sentences = [
    `${of('shown').length} of ${measured.length} judged relations are shown` +
      (missing === 0 ? '.' : `; ${missing} could not be judged.`),
    largest &&
      `The largest gain in quality: ${largest.relation.first} ${qualityWords(largest.judgement)} than ${largest.relation.second}.`,
    open.length > 0 && `Not shown: ${open.map(nameOfRelation).join('; ')}.`,
    ...refuted.map((each) => `Refuted: ${nameOfRelation(each)}; ${outcomeOf(each)}.`),
    costs &&
      `Compressing the first entry of a pair took ${formatRatio(costs.least)} to ${formatRatio(costs.most)} the processor time of the second.`,
  ];
  return sentences.filter((text) => typeof text === 'string').map((text) => `${contest.model}: ${text}`);
}

function isJudged(each: JudgedRelation): each is Judged {
  return typeof each.judgement !== 'string';
}

const isOfQuality = ({ relation: { metric = 'quality' } }: JudgedRelation): boolean => metric === 'quality';

/** Of the relations of quality that are shown and in which the first is better, the one with the largest difference. */
function largestGain(measured: readonly Judged[]): Judged | undefined {
  return measured
    .filter((each) => isOfQuality(each) && each.judgement.verdict === 'shown' && isGain(each.judgement))
    .toSorted((a, b) => Math.abs(b.judgement.estimate.value) - Math.abs(a.judgement.estimate.value))[0];
}

/** Does the whole interval lie on the side of the first? */
function isGain({ estimate, lowerIsBetter }: Judgement): boolean {
  return lowerIsBetter ? estimate.high < 0 : estimate.low > 0;
}

function outcomeOf({ relation, judgement, ...each }: Judged): string {
  if (isOfQuality({ relation, judgement })) return `the first ${qualityWords(judgement)}`;
  const what = each.shape === undefined ? 'bytes' : 'time';
  return `the first takes ${formatEstimate(judgement.estimate, 3)} times the ${what} of the second`;
}

/** What the first does, up to "than the second". */
function qualityWords({ estimate, lowerIsBetter }: Judgement): string {
  const { value, low, high } = estimate;
  const size = value < 0 ? { value: -value, low: -high, high: -low } : estimate;
  const more = value > 0 ? 'more' : 'less';
  if (lowerIsBetter) return `loses ${formatEstimate(size, 4)} nats per decision ${more}`;
  const points = { value: 100 * size.value, low: 100 * size.low, high: 100 * size.high };
  return `is right in ${formatEstimate(points, 2)} points ${more} of the decisions`;
}

/** Processor time of the first entry of each pair divided by that of the second; undefined without a pair that has both. */
function costRatios(
  measured: readonly Judged[],
  entries: readonly BoardEntry[],
): { readonly least: number; readonly most: number } | undefined {
  const seconds = new Map(entries.map(({ method, variant, cost }) => [`${method}/${variant}`, cost?.cpuSeconds]));
  const ratios = measured.filter(isOfQuality).flatMap(({ relation: { first, second } }) => {
    const [one, other] = [seconds.get(first), seconds.get(second)];
    return one === undefined || other === undefined || other === 0 ? [] : [one / other];
  });
  return ratios.length === 0 ? undefined : { least: Math.min(...ratios), most: Math.max(...ratios) };
}
