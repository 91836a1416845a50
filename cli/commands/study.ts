/** `shrinkrank study <id>`: measures what a study compares, judges its relations and writes the answer to results/studies/. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defineCommand, runCommand } from 'citty';
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
import { homeOption, openHomeStore } from '../setup/home.ts';
import { EXIT_CODES, print } from '../setup/output.ts';
import { REPOSITORY_ROOT, findById } from '../setup/registry.ts';
import { type JudgedPlace, type JudgedRelation, renderStudy } from '../render/render-study.ts';
import run from './run.ts';
import { isScored, sharedSeeds } from '../setup/shared-seeds.ts';
import { type Relation, type Study, studies } from '../../studies/index.ts';

export default defineCommand({
  meta: { name: 'study', description: 'Measure what a study compares and write down which relations hold.' },
  args: {
    id: { type: 'positional', description: studies.map(({ id }) => id).join(', '), required: true },
    measure: {
      type: 'boolean',
      description: 'Measure what the store lacks; --no-measure judges what it holds',
      default: true,
    },
    to: { type: 'string', description: 'Folder of the answer', default: join(REPOSITORY_ROOT, 'results/studies') },
    home: homeOption,
    quiet: { type: 'boolean', description: 'No progress on standard error', default: false },
  },
  async run({ args }) {
    const study = findById('study', studies, args.id);
    if (args.measure) {
      const rawArgs = ['--suite', study.id, ...(args.quiet ? ['--quiet'] : [])];
      if (args.home !== undefined) rawArgs.push('--home', args.home);
      const { result } = await runCommand(run, { rawArgs });
      if (result !== EXIT_CODES.done) return result;
    }
    const store = openHomeStore(args.home);
    try {
      const folder = resolve(args.to);
      mkdirSync(folder, { recursive: true });
      const file = join(folder, `${study.id}.md`);
      writeFileSync(file, renderStudy(study, judgeStudy(store, study)));
      print(file);
    } finally {
      store.close();
    }
    return EXIT_CODES.done;
  },
});

export function judgeStudy(store: Store, { places, relations }: Study): readonly JudgedPlace[] {
  return places.map((place) => {
    const { entries } = leaderboard(store, { ...place, protocol: PROTOCOL.version });
    const byName = new Map(entries.map((entry) => [`${entry.method}/${entry.variant}`, entry]));
    const named = new Set(relations.flatMap(({ first, second }) => [first, second]));
    return {
      place,
      judged: relations.flatMap((relation) => judge(store, { relation, byName })),
      entries: [...byName]
        .filter(([name, { method }]) => method === 'dense' || named.has(name))
        .map(([, entry]) => entry),
    };
  });
}

type Board = ReadonlyMap<string, BoardEntry>;

/** One judgement; of latency one for each shape. */
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
    const sides: (readonly BoardTrial[])[] = [];
    for (const name of [first, second]) {
      const entry = byName.get(name);
      const found = entry?.trials.filter((trial) => counts(trial, entry)) ?? [];
      if (found.length === 0) return reasonOf(name, entry, missing);
      sides.push(metric === 'latency' ? found : withoutRepeats(found));
    }
    return pairedTrials(sides as [readonly BoardTrial[], readonly BoardTrial[]]);
  };
  if (metric === 'quality') {
    const itemsAt = (trials: readonly BoardTrial[]) =>
      trials.map(({ evaluation, artifact }) => itemsOf(store, evaluation?.key ?? '', artifact ?? undefined));
    const sides = pair(isScored);
    return [judged(sides, ([one, other]) => judgeRelation({ first: itemsAt(one), second: itemsAt(other), expected }))];
  }
  if (metric === 'size') {
    const bytesOf = (trials: readonly BoardTrial[]) => trials.map(({ size }) => exactly(size?.fileBytes ?? Number.NaN));
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

/** What leaves nothing to chance makes the same artifact at every seed: it is scored once. Timings differ all the same. */
function withoutRepeats(trials: readonly BoardTrial[]): readonly BoardTrial[] {
  return new Set(trials.map(({ artifact }) => artifact)).size === 1 ? trials.slice(0, 1) : trials;
}

/** A single trial stands against each of the other's; else only the same seeds do. */
function pairedTrials([left, right]: Sides): Sides | string {
  if (left.length === 1 || right.length === 1) return [left, right];
  const pairs = sharedSeeds(left, right);
  if (pairs.length === 0) return 'the two have no seed in common';
  return [pairs.map(([one]) => one), pairs.map(([, other]) => other)];
}

const exactly = (value: number): Estimate => ({ value, low: value, high: value });
const isDense = (entry: BoardEntry | undefined): boolean => entry?.method === DENSE_METHOD;

/** Time of a call as a share of dense's, which was timed beside it; none where it was not timed or is noisy. */
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
