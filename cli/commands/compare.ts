/** `shrinkrank compare A B`: the differences of two variants over items and seeds, and which are significant. */
import { styleText } from 'node:util';
import { createCommand } from '../setup/command.ts';
import { type BoardTrial, itemsOf } from '../../drizzle/queries.ts';
import { entryCompute } from '../../board/derive/cost-efficiency.ts';
import { entryItems } from '../../board/derive/entry-items.ts';
import type { BoardEntry } from '../../board/derive/leaderboard.ts';
import type { Store } from '../../drizzle/client.ts';
import type { Metric } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { EntryDifference } from '../../numerics/statistics/compare-entries.ts';
import { type OutcomeColumn, qualityColumn } from '../../numerics/statistics/item-statistics.ts';
import { type EntryItems, pairEntries } from '../../numerics/statistics/pair-entries.ts';
import { findEntry, type Place, placeOf, placeOptions } from '../setup/find-entry.ts';
import { renderColumns } from '../setup/columns.ts';
import { formatBytes, formatCost, formatEstimate } from '../../contracts/words/figures.ts';
import { homeOption, jsonOption, openHomeStore } from '../setup/home.ts';
import { METRIC_WORDS } from '../../contracts/words/metric.ts';
import { print, printJson } from '../setup/output.ts';
import { scoredTrials, sharedSeeds } from '../setup/shared-seeds.ts';
import { present } from '../../contracts/present.ts';

export default createCommand({
  name: 'compare',
  description: 'Compare two variants on the same test items: paired differences with intervals.',
  examples: [
    { line: 'compare gptq/w4g32 rtn/w4g32', does: 'Is GPTQ better than round-to-nearest at four bits?' },
    { line: 'compare qat/w2g32-t100k gptq/w2g32 --json', does: 'Seed by seed, as JSON.' },
  ],
  args: {
    first: { type: 'positional', description: 'method/variant', required: true },
    second: { type: 'positional', description: 'method/variant', required: true },
    ...placeOptions,
    home: homeOption,
    json: jsonOption,
  },
  run({ args }) {
    const store = openHomeStore(args.home);
    try {
      const place = placeOf(args);
      const sides = [findEntry(store, place, args.first), findEntry(store, place, args.second)] as const;
      const comparisons = compareSeeds(store, place, sides);
      if (args.json) printJson({ ...place, first: args.first, second: args.second, comparisons });
      else print(render(place, sides, comparisons));
    } finally {
      store.close();
    }
  },
});

/** `quality` is the metric's own figure. */
type ComparedFigure = 'quality' | 'negativeLogLikelihood' | 'klDivergence' | 'sameTop';

interface SeedComparison {
  /** Seeds of the first and the second; `all` of what the board says of the two. */
  readonly seeds: readonly [number, number] | 'all';
  /** Null where a lone seed has no counterpart on the other side. */
  readonly comparison: Readonly<Record<ComparedFigure, EntryDifference | null>>;
}

/** The two over all their seeds, as on the board; where both have several, each shared seed by itself too. */
export function compareSeeds(
  store: Store,
  { task }: Place,
  [first, second]: readonly [BoardEntry, BoardEntry],
): SeedComparison[] {
  for (const entry of [first, second]) {
    if (scoredTrials(entry).length > 0) continue;
    throw new InputError(`${entry.method}/${entry.variant} has no completed evaluation on ${task}; run it first`);
  }
  const metric = present(first.quality, `the quality of ${first.method}/${first.variant}`).metric;
  const itemsAt = ({ evaluation, artifact }: BoardTrial) =>
    itemsOf(store, evaluation?.key ?? '', artifact ?? undefined);
  const compare = (one: EntryItems, other: EntryItems): SeedComparison['comparison'] => {
    const by = (column: OutcomeColumn) => pairEntries([one, other], { metric, column }).compare(0, 1);
    return {
      quality: by(qualityColumn(metric)),
      negativeLogLikelihood: by('negativeLogLikelihood'),
      klDivergence: by('klDivergence'),
      sameTop: by('sameTop'),
    };
  };
  const all = { seeds: 'all' as const, comparison: compare(entryItems(first, itemsAt), entryItems(second, itemsAt)) };
  const shared = sharedSeeds(scoredTrials(first), scoredTrials(second));
  if (shared.length < 2) return [all];
  const alone = (trial: BoardTrial): EntryItems => ({
    bySeed: [itemsAt(trial)],
    seeds: 'one seed',
    seedNumbers: [trial.seed],
  });
  const bySeed = shared.map(([one, other]) => ({
    seeds: [one.seed, other.seed] as const,
    comparison: compare(alone(one), alone(other)),
  }));
  return [all, ...bySeed];
}

interface Measure {
  readonly measure: ComparedFigure;
  readonly title: string;
  readonly scale: number;
  readonly digits: number;
  readonly lowerIsBetter: boolean;
}

/** What is compared on a task with this metric, the metric itself first. */
function measuresFor(metric: Metric): readonly Measure[] {
  const { title, loss, decision, sameTop } = METRIC_WORDS[metric];
  const own = { measure: 'quality', title: `${title}, points`, scale: 100, digits: 2, lowerIsBetter: false } as const;
  if (sameTop === undefined) return [own];
  return [
    ...(metric === 'perplexity' ? [] : [own]),
    { measure: 'negativeLogLikelihood', title: `${loss}, nats/${decision}`, scale: 1, digits: 5, lowerIsBetter: true },
    { measure: 'klDivergence', title: `KL from dense, nats/${decision}`, scale: 1, digits: 5, lowerIsBetter: true },
    { measure: 'sameTop', title: `${sameTop}, points`, scale: 100, digits: 2, lowerIsBetter: false },
  ];
}

function render(
  place: Place,
  sides: readonly [BoardEntry, BoardEntry],
  comparisons: readonly SeedComparison[],
): string {
  const [first, second] = sides.map(({ method, variant }) => `${method}/${variant}`);
  const measures = measuresFor(present(sides[0].quality, `the quality of ${first}`).metric);
  const lines = [styleText('bold', `${first} against ${second}`) + ` · ${place.model} · ${place.task}`, ''];
  for (const { seeds, comparison } of comparisons) {
    const about = comparison.negativeLogLikelihood?.about;
    if (seeds !== 'all') lines.push(styleText('bold', `seed ${seeds[0]}`));
    else if (about === 'these artifacts')
      lines.push('A side has 1 seed: this compares two artifacts, not the methods.');
    else if (comparisons.length > 1) lines.push(styleText('bold', 'over all seeds'));
    const rows = measures.map(({ measure, title, scale, digits, lowerIsBetter }) => {
      const found = comparison[measure];
      if (!found) return [title, 'a side has 1 seed, and the other was not run with it', '', ''];
      const { value, low, high } = found.difference;
      const better = value < 0 === lowerIsBetter ? first : second;
      return [
        title,
        formatEstimate({ value: value * scale, low: low * scale, high: high * scale }, digits),
        found.pValue < 0.001 ? '< 0.001' : found.pValue.toFixed(3),
        found.pValue <= 1 - PROTOCOL.quality.confidence && value !== 0 ? (better ?? '') : 'undecided',
      ];
    });
    const titles = ['first minus second', 'paired, 95 % interval', 'p', 'better'].map((text) => styleText('dim', text));
    lines.push(...renderColumns([titles, ...rows], ['left', 'right', 'right', 'left']), '');
  }
  const facts = [
    ['as shipped (zstd)', ...sides.map(({ size }) => (size ? formatBytes(size.zstdBytes) : '—'))],
    [
      'resident memory',
      ...sides.map(({ residentMemoryBytes }) =>
        residentMemoryBytes === null ? '—' : formatBytes(residentMemoryBytes),
      ),
    ],
    ...[...new Set(sides.flatMap(({ latency }) => latency.map(({ shape }) => shape)))].map((shape) => [
      `times as fast as dense, ${shape}`,
      ...sides.map(({ latency }) => {
        const found = latency.find((timed) => timed.shape === shape);
        return found ? formatEstimate(found.speedUp, 2) : '—';
      }),
    ]),
    [
      'cost: compute of compressing',
      ...sides.map((side) => {
        const compute = entryCompute(side);
        return compute ? formatCost(compute.seconds) : '—';
      }),
    ],
  ];
  const titles = ['', first ?? '', second ?? ''].map((text) => styleText('dim', text));
  lines.push(...renderColumns([titles, ...facts], ['left', 'right', 'right']));
  return lines.join('\n');
}
