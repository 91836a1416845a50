/** Judges the relations of a study from the rows of a store. */
import {
  type BoardEntry,
  type BoardTrial,
  DENSE_METHOD,
  itemsOf,
  leaderboard,
  type Store,
} from '../../drizzle/queries.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Estimate } from '../../contracts/result.ts';
import { type Judgement, judgeRatio, judgeRelation } from '../../numerics/statistics/judge-relation.ts';
import type { Relation, Study, StudyContest } from '../../studies/study.ts';
import { isScored, sharedSeeds } from './shared-seeds.ts';

export interface JudgedRelation {
  readonly relation: Relation;
  /** A text gives the reason why there is no judgement. */
  readonly judgement: Judgement | string;
  /** Of a relation of latency, the shape it is judged at. */
  readonly shape?: string;
}

export interface JudgedContest {
  readonly contest: StudyContest;
  readonly judged: readonly JudgedRelation[];
  /** Those the relations name, and dense. */
  readonly entries: readonly BoardEntry[];
}

/** In the order of the study's contests and relations. A relation whose entries have no rows carries the reason. */
export function judgeStudy(store: Store, { contests, relations }: Study): readonly JudgedContest[] {
  return contests.map((contest) => {
    const { entries } = leaderboard(store, { ...contest, protocol: PROTOCOL.version });
    const byName = new Map(entries.map((entry) => [`${entry.method}/${entry.variant}`, entry]));
    const named = new Set(relations.flatMap(({ first, second }) => [first, second]));
    return {
      contest,
      judged: relations.flatMap((relation) => judge(store, { relation, byName })),
      entries: [...byName]
        .filter(([name, { method }]) => method === 'dense' || named.has(name))
        .map(([, entry]) => entry),
    };
  });
}

type Board = ReadonlyMap<string, BoardEntry>;

/** One judgement per relation; a relation of latency has one per shape. */
function judge(
  store: Store,
  request: { readonly relation: Relation; readonly byName: Board },
): readonly JudgedRelation[] {
  const { relation, byName } = request;
  const { first, second, expected, metric = 'quality' } = relation;
  const judged = (sides: Sides | string, of: (trials: Sides) => Judgement): JudgedRelation => ({
    relation,
    judgement: typeof sides === 'string' ? sides : of(sides),
  });
  const pair = (counts: (trial: BoardTrial, entry: BoardEntry) => boolean, missing?: string): Sides | string => {
    const trialsOf = (name: string): readonly BoardTrial[] | string => {
      const entry = byName.get(name);
      const found = entry?.trials.filter((trial) => counts(trial, entry)) ?? [];
      if (found.length === 0) return reasonOf(name, entry, missing);
      return metric === 'latency' ? found : withoutRepeats(found);
    };
    const one = trialsOf(first);
    if (typeof one === 'string') return one;
    const other = trialsOf(second);
    return typeof other === 'string' ? other : pairedTrials([one, other]);
  };
  if (metric === 'quality') {
    const itemsAt = (trials: readonly BoardTrial[]) =>
      trials.map(({ evaluation, artifact }) => itemsOf(store, evaluation?.key ?? '', artifact ?? undefined));
    const sides = pair(isScored);
    return [judged(sides, ([one, other]) => judgeRelation({ first: itemsAt(one), second: itemsAt(other), expected }))];
  }
  if (metric === 'size') {
    const bytesOf = (trials: readonly BoardTrial[]) =>
      trials.flatMap(({ size }) => (size === null ? [] : [exactly(size.fileBytes)]));
    const sides = pair(({ size }) => size !== null);
    return [judged(sides, ([one, other]) => judgeRatio({ first: bytesOf(one), second: bytesOf(other), expected }))];
  }
  const shapes = new Set([...byName.values()].flatMap(({ latency }) => latency.map(({ shape }) => shape)));
  if (shapes.size === 0) return [{ relation, judgement: 'nothing was timed' }];
  return [...shapes].map((shape) => {
    const sides = pair(
      (trial, entry) => isDense(entry) || timeOf(trial, shape) !== undefined,
      `no timing at ${shape} that is not noisy`,
    );
    const times = (trials: readonly BoardTrial[], name: string) =>
      // Dense is the unit: it was timed beside each of them.
      isDense(byName.get(name)) ? [exactly(1)] : trials.flatMap((trial) => timeOf(trial, shape) ?? []);
    const ratio = ([one, other]: Sides) =>
      judgeRatio({ first: times(one, first), second: times(other, second), expected });
    return { ...judged(sides, ratio), shape };
  });
}

type Sides = readonly [first: readonly BoardTrial[], second: readonly BoardTrial[]];

/** A method without randomness makes the same artifact at every seed: its quality and size count once. Its timings all count. */
function withoutRepeats(trials: readonly BoardTrial[]): readonly BoardTrial[] {
  return new Set(trials.map(({ artifact }) => artifact)).size === 1 ? trials.slice(0, 1) : trials;
}

/** A single trial is compared with each trial of the other side; otherwise only equal seeds are compared. */
function pairedTrials([left, right]: Sides): Sides | string {
  if (left.length === 1 || right.length === 1) return [left, right];
  const pairs = sharedSeeds(left, right);
  if (pairs.length === 0) return 'the two have no seed in common';
  return [pairs.map(([one]) => one), pairs.map(([, other]) => other)];
}

const exactly = (value: number): Estimate => ({ value, low: value, high: value });
const isDense = (entry: BoardEntry | undefined): boolean => entry?.method === DENSE_METHOD;

/** Time of a call divided by dense's, which was timed beside it. Undefined where it was not timed or is noisy. */
function timeOf({ measurement }: BoardTrial, shape: string): Estimate | undefined {
  const found = measurement?.latency.find((latency) => latency.shape === shape);
  if (found === undefined || found.noisy) return undefined;
  const { value, low, high } = found.speedUp;
  return { value: 1 / value, low: 1 / high, high: 1 / low };
}

function reasonOf(name: string, entry: BoardEntry | undefined, missing?: string): string {
  if (!entry) return `${name} was not run`;
  const reasons = entry.trials.map(
    ({ status, reason, evaluation, measurement }) =>
      reason ?? (missing === undefined ? evaluation?.reason : measurement?.reason) ?? missing ?? status,
  );
  return `${name}: ${reasons[0] ?? 'no trial'}`;
}
