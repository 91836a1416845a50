/** `shrinkrank study <id>`: measures what a study compares, judges its relations and writes the answer to results/studies/. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defineCommand, runCommand } from 'citty';
import { type BoardEntry, type BoardTrial, itemsOf, leaderboard, type Store } from '../../drizzle/queries.ts';
import { PROTOCOL } from '../contracts/protocol.ts';
import { judgeRelation } from '../evaluate/judge-relation.ts';
import { homeOption, openHomeStore } from './home.ts';
import { EXIT_CODES, print } from './output.ts';
import { REPOSITORY_ROOT, findById } from './registry.ts';
import { type JudgedPlace, type JudgedRelation, renderStudy } from './render-study.ts';
import run from './run.ts';
import { scoredTrials, sharedSeeds } from './shared-seeds.ts';
import { type Relation, type Study, studies } from './studies.ts';

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
      judged: relations.map((relation) => judge(store, { relation, byName })),
      entries: [...byName]
        .filter(([name, { method }]) => method === 'dense' || named.has(name))
        .map(([, entry]) => entry),
    };
  });
}

function judge(
  store: Store,
  { relation, byName }: { readonly relation: Relation; readonly byName: ReadonlyMap<string, BoardEntry> },
): JudgedRelation {
  const sides: (readonly BoardTrial[])[] = [];
  for (const name of [relation.first, relation.second]) {
    const entry = byName.get(name);
    const scored = entry ? scoredTrials(entry) : [];
    if (scored.length === 0) return { relation, judgement: reasonOf(name, entry) };
    sides.push(scored);
  }
  const [left = [], right = []] = sides;
  // A single trial stands against each of the other's; else only the same seeds do.
  const pairs = left.length === 1 || right.length === 1 ? null : sharedSeeds(left, right);
  if (pairs?.length === 0) return { relation, judgement: 'the two have no seed in common' };
  const itemsAt = (trials: readonly BoardTrial[]) =>
    trials.map(({ evaluation, artifact }) => itemsOf(store, evaluation?.key ?? '', artifact ?? undefined));
  const first = itemsAt(pairs ? pairs.map(([one]) => one) : left);
  const second = itemsAt(pairs ? pairs.map(([, other]) => other) : right);
  return { relation, judgement: judgeRelation({ first, second, expected: relation.expected }) };
}

function reasonOf(name: string, entry: BoardEntry | undefined): string {
  if (!entry) return `${name} was not run`;
  const reasons = entry.trials.map(({ status, reason, evaluation }) => reason ?? evaluation?.reason ?? status);
  return `${name}: ${reasons[0] ?? 'no trial'}`;
}
