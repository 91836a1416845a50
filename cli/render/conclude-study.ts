/** The answer of a study in sentences. Every figure and every name comes from the judged relations; without rows there is none. */
import type { BoardEntry } from '../../drizzle/queries.ts';
import type { Estimate } from '../../contracts/result.ts';
import { formatEstimate, formatRatio } from '../../contracts/words/figures.ts';
import type { Expectation, Judgement } from '../../numerics/statistics/judge-relation.ts';
import type { JudgedContest, JudgedRelation } from '../setup/judge-study.ts';
import type { RelationMetric } from '../../studies/study.ts';

/** The words for an expectation, by what is compared. */
export const EXPECTATION_WORDS: Readonly<Record<RelationMetric, Readonly<Record<Expectation, string>>>> = {
  quality: { better: 'better', 'not worse': 'not worse', 'not better': 'not better' },
  latency: { better: 'faster', 'not worse': 'not slower', 'not better': 'not faster' },
  size: { better: 'smaller', 'not worse': 'not larger', 'not better': 'not smaller' },
};

/** `a/b better than c/d`, with the shape of a relation of latency. */
export function nameOfRelation({ relation, shape }: JudgedRelation): string {
  const { first, second, expected, metric = 'quality' } = relation;
  return `${first} ${EXPECTATION_WORDS[metric][expected]} than ${second}${shape === undefined ? '' : ` at ${shape}`}`;
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
  const [undecided, failed] = [of('undecided'), of('fails')];
  const missing = judged.length - measured.length;
  const largest = largestGain(measured);
  const costs = costRatios(measured, entries);
  const sentences = [
    `${of('holds').length} of ${measured.length} judged relations hold` +
      (missing === 0 ? '.' : `; ${missing} could not be judged.`),
    largest &&
      `The largest gain in quality: ${largest.relation.first} loses ${natsOf(largest.judgement.estimate)} less than ${largest.relation.second}.`,
    undecided.length > 0 && `Undecided: ${undecided.map(nameOfRelation).join('; ')}.`,
    ...failed.map((each) => `Fails: ${nameOfRelation(each)}; ${outcomeOf(each)}.`),
    costs &&
      `Compressing the first entry of a pair took ${formatRatio(costs.least)} to ${formatRatio(costs.most)} the processor time of the second.`,
  ];
  return sentences.filter((text) => typeof text === 'string').map((text) => `${contest.model}: ${text}`);
}

function isJudged(each: JudgedRelation): each is Judged {
  return typeof each.judgement !== 'string';
}

const isOfQuality = ({ relation: { metric = 'quality' } }: JudgedRelation): boolean => metric === 'quality';

/** Of the relations of quality in which the first is better beyond doubt, the one with the largest difference. */
function largestGain(measured: readonly Judged[]): Judged | undefined {
  return measured
    .filter((each) => isOfQuality(each) && each.judgement.estimate.high < 0)
    .toSorted((a, b) => a.judgement.estimate.value - b.judgement.estimate.value)[0];
}

function outcomeOf({ relation, judgement, ...each }: Judged): string {
  const { estimate } = judgement;
  if (isOfQuality({ relation, judgement })) {
    return estimate.value > 0 ? `the first loses ${natsOf(estimate)} more` : `the first loses ${natsOf(estimate)} less`;
  }
  const what = each.shape === undefined ? 'bytes' : 'time';
  return `the first takes ${formatEstimate(estimate, 3)} times the ${what} of the second`;
}

/** The size of a difference, whatever its sign. */
function natsOf({ value, low, high }: Estimate): string {
  const positive = value < 0 ? { value: -value, low: -high, high: -low } : { value, low, high };
  return `${formatEstimate(positive, 4)} nats per decision`;
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
