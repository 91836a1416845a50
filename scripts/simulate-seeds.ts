/**
 * How often a method is told apart from itself under other seeds, by several rules and by the protocol's, simulated and on the
 * published rows. Writes the tables of PROTOCOL.md: `node scripts/simulate-seeds.ts`, some minutes on one core.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable } from '../cli/render/markdown-table.ts';
import { createEntryComparison } from '../numerics/statistics/compare-entries.ts';
import { mean, quantile, sum, variance } from '../numerics/statistics/statistics.ts';
import { sumOfComponents, twoSidedPValue } from '../numerics/statistics/variance-components.ts';
import { type Random, createRandom } from '../numerics/tensor/random.ts';
import { writeGenerated } from './generated-section.ts';
import { percent } from './simulation.ts';

const ROOT = join(import.meta.dirname, '..');
const SIMULATIONS = 2000;
const ITEMS = 60;
const RESAMPLES = 500;
const LEVEL = 0.05;
const TOKENS = 100;

interface Setting {
  readonly seeds: number;
  /** Standard deviation of a seed's mean, in standard errors over items of the difference of two artifacts. */
  readonly spread: number;
  /** Whether only the first draws; the other then is one artifact. */
  readonly oneSide: boolean;
}

type Rule = 'items only' | 'bootstrap' | 'satterthwaite' | 'protocol';
const RULES: readonly (readonly [Rule, string])[] = [
  ['items only', 'items only'],
  ['bootstrap', 'two-level bootstrap'],
  ['satterthwaite', "Satterthwaite's t"],
  ['protocol', 'protocol'],
];

function simulate(setting: Setting): Readonly<Record<Rule, number>> {
  const random = createRandom(`seeds ${JSON.stringify(setting)}`);
  const found: Record<Rule, number> = { 'items only': 0, bootstrap: 0, satterthwaite: 0, protocol: 0 };
  for (let run = 0; run < SIMULATIONS; run++) {
    const weights = Float64Array.from({ length: ITEMS }, () => Math.round(TOKENS * Math.exp(0.3 * random.normal())));
    const draw = (seeds: number, spread: number) =>
      Array.from({ length: seeds }, () => {
        const shift = spread * Math.sqrt(2 / ITEMS) * random.normal();
        return weights.map((weight) => weight * (shift + random.normal()));
      });
    const first = draw(setting.seeds, setting.spread);
    const second = setting.oneSide ? draw(1, 0) : draw(setting.seeds, setting.spread);
    const { compare } = createEntryComparison({
      entries: [
        { bySeed: first, seeds: 'drawn' },
        { bySeed: second, seeds: setting.oneSide ? 'same artifact' : 'drawn' },
      ],
      weights,
      share: false,
      confidence: 1 - LEVEL,
    });
    const { value, components, pValue } = compare(0, 1);
    if (pValue <= LEVEL) found.protocol++;
    if (twoSidedPValue({ value, components: components.slice(0, 1) }) <= LEVEL) found['items only']++;
    if (twoSidedPValue({ value, components: [sumOfComponents(components)] }) <= LEVEL) found.satterthwaite++;
    if (excludesZero(bootstrapSeedsAndItems({ first, second, weights, random }))) found.bootstrap++;
  }
  return found;
}

function excludesZero(drawn: Float64Array): boolean {
  return quantile(drawn, LEVEL / 2) > 0 || quantile(drawn, 1 - LEVEL / 2) < 0;
}

/** Differences of means over seeds drawn with replacement and, for each draw, items drawn with replacement. */
function bootstrapSeedsAndItems({
  first,
  second,
  weights,
  random,
}: {
  readonly first: readonly Float64Array[];
  readonly second: readonly Float64Array[];
  readonly weights: Float64Array;
  readonly random: Random;
}): Float64Array {
  const columns = [...first, ...second];
  return Float64Array.from({ length: RESAMPLES }, () => {
    const totals = new Float64Array(columns.length);
    let weight = 0;
    for (let i = 0; i < weights.length; i++) {
      const item = random.integer(weights.length);
      weight += weights[item] ?? 0;
      for (let c = 0; c < columns.length; c++) totals[c] = (totals[c] ?? 0) + (columns[c]?.[item] ?? 0);
    }
    const side = (start: number, seeds: number) =>
      mean(Array.from({ length: seeds }, () => totals[start + random.integer(seeds)] ?? 0));
    return (side(0, first.length) - side(first.length, second.length)) / weight;
  });
}

interface PublishedEvaluation {
  readonly kind: 'evaluation';
  readonly status: string;
  readonly trial: string;
  readonly artifact: string;
  readonly task: string;
  readonly quality: { readonly metric: string };
  readonly outcomes: {
    readonly ids: readonly string[];
    readonly tokens: readonly number[];
    readonly negativeLogLikelihood: readonly number[];
    readonly correct: readonly number[];
  };
}
interface PublishedTrial {
  readonly kind: 'trial';
  readonly key: string;
  readonly identity: {
    readonly method: string;
    readonly variant: string;
    readonly model: string;
    readonly seed: number;
  };
}

/** Published entries of which several seeds gave several artifacts, on the same items. */
function publishedSeeds(): readonly (readonly PublishedEvaluation[])[] {
  const trials = new Map<string, PublishedTrial>();
  const evaluations: PublishedEvaluation[] = [];
  for (const name of readdirSync(join(ROOT, 'results')).toSorted()) {
    if (!name.endsWith('.jsonl')) continue;
    for (const line of readFileSync(join(ROOT, 'results', name), 'utf8').split('\n')) {
      if (line === '') continue;
      const row = JSON.parse(line) as PublishedTrial | PublishedEvaluation | { readonly kind: 'other' };
      if (row.kind === 'trial') trials.set(row.key, row);
      if (row.kind === 'evaluation' && row.status === 'completed') evaluations.push(row);
    }
  }
  const groups = Map.groupBy(evaluations, ({ trial, task, outcomes }) => {
    const identity = trials.get(trial)?.identity;
    const { method, variant, model } = identity ?? { method: trial, variant: '', model: '' };
    return JSON.stringify([method, variant, model, task, outcomes.ids.length]);
  });
  return [...groups.values()]
    .map((group) => [...new Map(group.map((row) => [row.artifact, row])).values()])
    .filter((group) => group.length > 1);
}

const columnOf = ({ quality, outcomes }: PublishedEvaluation): readonly number[] =>
  quality.metric === 'perplexity' ? outcomes.negativeLogLikelihood : outcomes.correct;

function published(): {
  readonly pairs: number;
  readonly items: number;
  readonly triples: number;
  readonly seeds: number;
} {
  const count = { pairs: 0, items: 0, triples: 0, seeds: 0 };
  for (const group of publishedSeeds()) {
    const weights = group[0]?.outcomes.tokens ?? [];
    const share = group[0]?.quality.metric !== 'perplexity';
    const { compare } = createEntryComparison({
      entries: group.map((row) => ({ bySeed: [columnOf(row)], seeds: 'one seed' })),
      weights,
      share,
      confidence: 1 - LEVEL,
    });
    const means = group.map((row) => sum(columnOf(row)) / sum(weights));
    for (let first = 0; first < group.length; first++) {
      for (let second = first + 1; second < group.length; second++) {
        count.pairs++;
        if (compare(first, second).pValue <= LEVEL) count.items++;
      }
      // Each seed against the mean of the others, whose spread is taken for its own.
      const others = means.filter((_, index) => index !== first);
      if (others.length < 2) continue;
      const rest = group.filter((_, index) => index !== first).map(columnOf);
      const pair = createEntryComparison({
        entries: [
          { bySeed: group.slice(first, first + 1).map(columnOf), seeds: 'one seed' },
          { bySeed: rest, seeds: 'drawn' },
        ],
        weights,
        share,
        confidence: 1 - LEVEL,
      }).compare(0, 1);
      const [items] = pair.components;
      const own = { variance: variance(others) * (1 + 1 / others.length), degreesOfFreedom: others.length - 1 };
      count.triples++;
      if (twoSidedPValue({ value: pair.value, components: [...(items ? [items] : []), own] }) <= LEVEL) count.seeds++;
    }
  }
  return count;
}

const settings = [false, true].flatMap((oneSide) =>
  [2, 3, 5].flatMap((seeds) => [0, 1, 2].map((spread): Setting => ({ seeds, spread, oneSide }))),
);
const rows = settings.map((setting) => {
  const found = simulate(setting);
  const sides = setting.oneSide ? `${setting.seeds} against one artifact` : `${setting.seeds} against ${setting.seeds}`;
  return [sides, `${setting.spread}`, ...RULES.map(([rule]) => percent(found[rule] / SIMULATIONS))];
});
const real = published();
writeGenerated(join(ROOT, 'PROTOCOL.md'), {
  script: 'scripts/simulate-seeds.ts',
  text: [
    `How often a difference is found at 5 % between a method and itself, in ${SIMULATIONS.toLocaleString('en')} simulations of ` +
      `${ITEMS} items of unequal length. The spread is that of the seeds' means, in standard errors over items of the ` +
      'difference of two artifacts.',
    markdownTable(['seeds', 'spread of seeds', ...RULES.map(([, title]) => title)], rows),
    `On the published rows, ${real.pairs} pairs of artifacts that one method made under two seeds: over items alone ` +
      `${real.items} (${percent(real.items / real.pairs)}) differ at 5 %; the protocol says this of the artifacts and of ` +
      `no method, since each side is one seed. Each of ${real.triples} seeds against the others of its method, their spread ` +
      `taken for its own: ${real.seeds} (${percent(real.seeds / real.triples)}) differ.`,
  ].join('\n\n'),
});
