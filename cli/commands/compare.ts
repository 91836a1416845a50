/** `shrinkrank compare A B`: the differences of two variants, paired item by item, and which are significant. */
import { styleText } from 'node:util';
import { createCommand } from '../setup/command.ts';
import { type BoardTrial, itemsOf } from '../../drizzle/queries.ts';
import type { BoardEntry } from '../../board/derive/leaderboard.ts';
import type { Store } from '../../drizzle/client.ts';
import type { Metric } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';
import { type ItemComparison, compareItems } from '../../numerics/statistics/compare-items.ts';
import { meanItems } from '../../numerics/statistics/mean-items.ts';
import { findEntry, type Place, placeOf, placeOptions } from '../setup/find-entry.ts';
import { renderColumns } from '../setup/columns.ts';
import { formatBytes, formatEstimate, formatSeconds } from '../../contracts/words/figures.ts';
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
    { line: 'compare qat/w2g32-n100 gptq/w2g32 --json', does: 'Seed by seed, as JSON.' },
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

interface SeedComparison {
  /** Seeds of the first and the second; `all` where outcomes are averaged over seeds. */
  readonly seeds: readonly [number, number] | 'all';
  readonly comparison: ItemComparison;
}

/** Where the two share several seeds: their average, then each seed. Without a shared seed: the first of each. */
function compareSeeds(
  store: Store,
  { task }: Place,
  [first, second]: readonly [BoardEntry, BoardEntry],
): SeedComparison[] {
  const scored = (entry: BoardEntry): readonly [BoardTrial, ...BoardTrial[]] => {
    const [one, ...others] = scoredTrials(entry);
    if (one === undefined) {
      throw new InputError(`${entry.method}/${entry.variant} has no completed evaluation on ${task}; run it first`);
    }
    return [one, ...others];
  };
  const [left, right] = [scored(first), scored(second)];
  const shared = sharedSeeds(left, right);
  const pairs = shared.length > 0 ? shared : [[left[0], right[0]] as const];
  const itemsAt = ({ evaluation }: BoardTrial) => itemsOf(store, evaluation?.key ?? '');
  const outcomes = pairs.map(([one, other]) => ({
    seeds: [one.seed, other.seed] as const,
    first: itemsAt(one),
    second: itemsAt(other),
  }));
  const bySeed = outcomes.map((pair) => ({ seeds: pair.seeds, comparison: compareItems(pair.first, pair.second) }));
  if (bySeed.length === 1) return bySeed;
  const averaged = compareItems(
    meanItems(outcomes.map((pair) => pair.first)),
    meanItems(outcomes.map((pair) => pair.second)),
  );
  return [{ seeds: 'all', comparison: averaged }, ...bySeed];
}

interface Measure {
  readonly measure: keyof ItemComparison;
  readonly title: string;
  readonly scale: number;
  readonly digits: number;
  readonly lowerIsBetter: boolean;
}

/** What is compared on a task with this metric, the metric itself first. */
function measuresFor(metric: Metric): readonly Measure[] {
  const { loss, decision, sameTop } = METRIC_WORDS[metric];
  const accuracy = {
    measure: 'correct',
    title: 'accuracy, points',
    scale: 100,
    digits: 2,
    lowerIsBetter: false,
  } as const;
  return [
    ...(metric === 'perplexity' ? [] : [accuracy]),
    { measure: 'logPerplexity', title: `${loss}, nats/${decision}`, scale: 1, digits: 5, lowerIsBetter: true },
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
    if (seeds === 'all') lines.push(styleText('bold', `${comparisons.length - 1} seeds averaged`));
    else if (comparisons.length > 1) lines.push(styleText('bold', `seed ${seeds[0]}`));
    const rows = measures.map(({ measure, title, scale, digits, lowerIsBetter }) => {
      const { difference, pValue, significant } = comparison[measure];
      const { value, low, high } = difference;
      const better = value < 0 === lowerIsBetter ? first : second;
      return [
        title,
        formatEstimate({ value: value * scale, low: low * scale, high: high * scale }, digits),
        pValue < 0.001 ? '< 0.001' : pValue.toFixed(3),
        significant ? (better ?? '') : 'undecided',
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
    ['compression cost, wall', ...sides.map(({ cost }) => (cost ? formatSeconds(cost.wallSeconds) : '—'))],
  ];
  const titles = ['', first ?? '', second ?? ''].map((text) => styleText('dim', text));
  lines.push(...renderColumns([titles, ...facts], ['left', 'right', 'right']));
  return lines.join('\n');
}
