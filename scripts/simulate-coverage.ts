/**
 * How often the 95 % interval of a row covers the truth, by the number of items and the law of their losses. Writes the table of
 * PROTOCOL.md: `node scripts/simulate-coverage.ts`, some minutes on one core.
 */
import { join } from 'node:path';
import { markdownTable } from '../cli/render/markdown-table.ts';
import { PROTOCOL } from '../contracts/protocol.ts';
import { bootstrapSums } from '../numerics/statistics/bootstrap.ts';
import { intervalIsNarrow } from '../numerics/statistics/interval-coverage.ts';
import { type Random, createRandom } from '../numerics/tensor/random.ts';
import { writeGenerated } from './generated-section.ts';
import { heavyTailed, percent } from './simulation.ts';

const SIMULATIONS = 2000;
const RESAMPLES = 500;
const COUNTS = [60, 120, 200, 1000];

interface Law {
  readonly title: string;
  readonly mean: number;
  readonly draw: (random: Random) => number;
}

const logNormal = (spread: number): Law => ({
  title: `log-normal, spread ${spread}`,
  mean: Math.exp(spread ** 2 / 2),
  draw: (random) => Math.exp(spread * random.normal()),
});

const LAWS: readonly Law[] = [
  { title: 'normal', mean: 3, draw: (random) => 3 + random.normal() },
  logNormal(0.3),
  logNormal(0.8),
  {
    title: 't with 3 degrees of freedom',
    mean: 3,
    draw: (random) => 3 + heavyTailed(random),
  },
  {
    title: 'zero in 90 %, else exponential',
    mean: 0.1,
    draw: (random) => (random.next() < 0.9 ? 0 : -Math.log(1 - random.next())),
  },
];

function coverage({ title, mean, draw }: Law, items: number): { readonly covered: number; readonly marked: number } {
  const random = createRandom(`coverage ${title} ${items}`);
  let [covered, marked] = [0, 0];
  for (let run = 0; run < SIMULATIONS; run++) {
    const values = Float64Array.from({ length: items }, () => draw(random));
    const { interval } = bootstrapSums({
      columns: [values],
      statistics: { interval: (total) => (total ?? NaN) / items },
      interval: 'wider',
      resamples: RESAMPLES,
      confidence: PROTOCOL.quality.confidence,
      seed: `${run}`,
    });
    if (interval.low <= mean && mean <= interval.high) covered++;
    if (intervalIsNarrow({ values, weights: new Float64Array(items).fill(1) })) marked++;
  }
  return { covered: covered / SIMULATIONS, marked: marked / SIMULATIONS };
}

const rows = LAWS.map((law) => [
  law.title,
  ...COUNTS.map((items) => {
    const { covered, marked } = coverage(law, items);
    return `${percent(covered)}, marked ${percent(marked)}`;
  }),
]);
writeGenerated(join(import.meta.dirname, '..', 'PROTOCOL.md'), {
  script: 'scripts/simulate-coverage.ts',
  text: [
    `Coverage of the 95 % interval of a mean of items in ${SIMULATIONS.toLocaleString('en')} simulations (${RESAMPLES} resamples), and the ` +
      'share of the rows that are marked, because the skewness of their items says that the interval is probably too narrow:',
    markdownTable(['law of the items', ...COUNTS.map((items) => `${items.toLocaleString('en')} items`)], rows),
  ].join('\n\n'),
});
