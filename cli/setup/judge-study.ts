/** Judges the relations of a study from the rows of a store. */
import { type BoardTrial, DENSE_METHOD, itemsOf, type Store } from '../../drizzle/queries.ts';
import { type BoardEntry, leaderboard } from '../../board/derive/leaderboard.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Estimate } from '../../contracts/result.ts';
import { type SeedKind, seedKindOf } from '../../numerics/statistics/compare-entries.ts';
import {
  type Evidence,
  type Judgement,
  settleVerdicts,
  weighQuality,
  weighRatio,
} from '../../numerics/statistics/judge-relation.ts';
import type { Relation, Study, StudyContest } from '../../studies/study.ts';
import { isScored, sharedSeeds } from './shared-seeds.ts';
import { present } from '../../contracts/present.ts';

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

/**
 * In the order of the study's contests and relations; all that could be judged are corrected together. A relation whose
 * entries have no rows carries the reason.
 */
export function judgeStudy(store: Store, { contests, relations }: Study): readonly JudgedContest[] {
  const weighed = contests.map((contest) => {
    const { entries } = leaderboard(store, { ...contest, protocol: PROTOCOL.version });
    const byName = new Map(entries.map((entry) => [`${entry.method}/${entry.variant}`, entry]));
    return { contest, byName, weighed: relations.flatMap((relation) => weigh(store, { relation, byName })) };
  });
  const judgements = settleVerdicts(
    weighed.flatMap((each) => each.weighed.flatMap(({ evidence }) => (typeof evidence === 'string' ? [] : [evidence]))),
  ).values();
  const named = new Set(relations.flatMap(({ first, second }) => [first, second]));
  return weighed.map(({ contest, byName, weighed: own }) => ({
    contest,
    judged: own.map(({ evidence, ...relation }) => ({
      ...relation,
      judgement: typeof evidence === 'string' ? evidence : nextOf(judgements),
    })),
    entries: [...byName]
      .filter(([name, { method }]) => method === DENSE_METHOD || named.has(name))
      .map(([, entry]) => entry),
  }));
}

function nextOf<T>(values: Iterator<T>): T {
  const { value, done } = values.next();
  if (done === true) throw new RangeError('study: fewer verdicts than relations that were weighed');
  return value;
}

type Board = ReadonlyMap<string, BoardEntry>;

interface WeighedRelation extends Omit<JudgedRelation, 'judgement'> {
  readonly evidence: Evidence | string;
}

/** What the rows say of a relation; of a relation of latency once per shape. */
function weigh(
  store: Store,
  request: { readonly relation: Relation; readonly byName: Board },
): readonly WeighedRelation[] {
  const { relation, byName } = request;
  const { expected, metric = 'quality' } = relation;
  const of = (find: FindTrials, evidenceOf: (sides: Sides) => Evidence): WeighedRelation => {
    const sides = sidesOf(relation, { byName, find });
    return { relation, evidence: typeof sides === 'string' ? sides : evidenceOf(sides) };
  };
  if (metric === 'quality') {
    return [
      of({ counts: isScored }, ([one, other]) => {
        const itemsAt = ({ trials, seeds }: Side) => ({
          bySeed: trials.map(({ evaluation, artifact }) =>
            itemsOf(store, evaluation?.key ?? '', artifact ?? undefined),
          ),
          seeds,
          seedNumbers: trials.map(({ seed }) => seed),
        });
        const { metric: scoredBy } = present(
          one.entry.quality,
          `the quality of ${one.entry.method}/${one.entry.variant}`,
        );
        return weighQuality({ first: itemsAt(one), second: itemsAt(other), metric: scoredBy, expected });
      }),
    ];
  }
  if (metric === 'size') {
    return [
      of({ counts: ({ size }) => size !== null }, ([one, other]) => {
        const bytesOf = ({ trials, seeds }: Side) => ({
          estimates: trials.flatMap(({ size }) => (size === null ? [] : [exactly(size.fileBytes)])),
          seeds,
        });
        return weighRatio({ first: bytesOf(one), second: bytesOf(other), metric, expected });
      }),
    ];
  }
  const shapes = new Set([...byName.values()].flatMap(({ latency }) => latency.map(({ shape }) => shape)));
  if (shapes.size === 0) return [{ relation, evidence: 'nothing was timed' }];
  return [...shapes].map((shape) => {
    const find: FindTrials = {
      counts: (trial, entry) => isDense(entry) || timeOf(trial, shape) !== undefined,
      missing: `no timing at ${shape} that is not noisy`,
      // Every timing counts, of one artifact too: the process is what varies.
      everyTrial: true,
    };
    const times = ({ entry, trials, seeds }: Side) => ({
      // Dense is the unit: it was timed beside each of them.
      estimates: isDense(entry) ? [exactly(1)] : trials.flatMap((trial) => timeOf(trial, shape) ?? []),
      seeds,
    });
    return {
      ...of(find, ([one, other]) => weighRatio({ first: times(one), second: times(other), metric, expected })),
      shape,
    };
  });
}

interface Side {
  readonly entry: BoardEntry;
  readonly trials: readonly BoardTrial[];
  readonly seeds: SeedKind;
}
type Sides = readonly [first: Side, second: Side];

interface FindTrials {
  readonly counts: (trial: BoardTrial, entry: BoardEntry) => boolean;
  /** Why there may be none, where the rows do not say. */
  readonly missing?: string;
  readonly everyTrial?: boolean;
}

/** Trials of both entries, or the reason why they cannot be compared. */
function sidesOf(
  { first, second }: Relation,
  { byName, find }: { readonly byName: Board; readonly find: FindTrials },
): Sides | string {
  const one = sideOf(first, { byName, find });
  if (typeof one === 'string') return one;
  const other = sideOf(second, { byName, find });
  if (typeof other === 'string') return other;
  const lone = [one, other].some(({ seeds }) => seeds === 'one seed');
  const drawn = [one, other].some(({ seeds }) => seeds === 'drawn');
  if (!lone || !drawn) return [one, other];
  // A lone seed says nothing of its method, so it is compared with the artifact of the same seed only.
  const [pair] = sharedSeeds(one.trials, other.trials);
  if (!pair) return 'one has a single seed, and the other was not run with it';
  return [
    { ...one, trials: [pair[0]], seeds: 'one seed' },
    { ...other, trials: [pair[1]], seeds: 'one seed' },
  ];
}

function sideOf(
  name: string,
  { byName, find: { counts, missing, everyTrial = false } }: { readonly byName: Board; readonly find: FindTrials },
): Side | string {
  const entry = byName.get(name);
  const found = entry?.trials.filter((trial) => counts(trial, entry)) ?? [];
  if (!entry || found.length === 0) return reasonOf(name, entry, missing);
  const { kept, seeds } = seedKindOf(
    found.map(({ artifact }) => artifact ?? ''),
    { nothingDrawn: !entry.random },
  );
  return { entry, trials: everyTrial ? found : found.filter((_, index) => kept.includes(index)), seeds };
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
