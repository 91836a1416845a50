/**
 * The columns of the leaderboard: what they are called, what they sort by, what they export. How a cell looks is
 * components/board-cell.tsx.
 */
import type { BoardRow, BoardView } from './board-view.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { metricWords } from './metric.ts';
import { capitalized } from '../../contracts/words/text.ts';

export type CellValue = string | number | boolean | null;

export interface Column {
  /** Used in addresses, so it never changes. */
  readonly id: string;
  readonly title: string;
  readonly unit?: string;
  /** What the column is, in a sentence. */
  readonly hint: string;
  readonly numeric: boolean;
  /** Its values were taken at different times, so that only their ratios to dense, timed beside them, compare. */
  readonly onlyRatiosCompare?: boolean;
  /** The sort order that puts better rows first. */
  readonly bestFirst: 'ascending' | 'descending';
  /** Null sorts last in both directions. */
  readonly sortValue: (row: BoardRow) => number | string | null;
  /** Fields of the CSV and JSON export. */
  readonly exported: (row: BoardRow) => Readonly<Record<string, CellValue>>;
}

/** Exponents of quality kept, size reduction, speed-up at the first shape, and compute (which divides). */
export interface Weights {
  readonly kept: number;
  readonly smaller: number;
  readonly faster: number;
  readonly compute: number;
}

export const EVEN_WEIGHTS: Weights = { kept: 1, smaller: 1, faster: 0, compute: 1 };

/** kept^a × smaller^b × faster^c ÷ compute^d; null where a factor that counts is missing, and for what has no rank. */
export function scoreOf(row: BoardRow, weights: Weights): number | null {
  if (row.control || row.simulated) return null;
  const { kept, ratio: smaller } = row;
  // Too small a cost is not told from none.
  const compute = (row.computeSeconds ?? 0) < PROTOCOL.cost.leastSeconds ? null : row.computeSeconds;
  const speed = row.speeds[0];
  const faster = speed && !speed.noisy ? speed.value : null;
  const factors = [
    { factor: kept, weight: weights.kept },
    { factor: smaller, weight: weights.smaller },
    { factor: faster, weight: weights.faster },
    { factor: compute, weight: -weights.compute },
  ].filter(({ weight }) => weight !== 0);
  let score = 1;
  for (const { factor, weight } of factors) {
    if (factor === null || (factor === 0 && weight < 0)) return null;
    score *= factor ** weight;
  }
  return score;
}

type Figure = (row: BoardRow) => number | null;

function figure(
  column: Pick<Column, 'id' | 'title' | 'unit' | 'hint' | 'bestFirst'>,
  name: string,
  value: Figure,
): Column {
  return { ...column, numeric: true, sortValue: value, exported: (row) => ({ [name]: value(row) }) };
}

/** The columns of a board: those of its metric and its shapes included. */
export function columnsOf(
  view: Pick<BoardView, 'metric' | 'shapes' | 'higherIsBetter'>,
  weights: Weights,
): readonly Column[] {
  const words = metricWords(view.metric);
  const worseUp = view.higherIsBetter ? 'descending' : 'ascending';
  return [
    {
      id: 'method',
      title: 'Variant',
      hint: 'Method and operating point, its family and cost class.',
      numeric: false,
      bestFirst: 'ascending',
      sortValue: ({ id }) => id,
      exported: (row) => ({
        method: row.method,
        variant: row.variant,
        family: row.family,
        cost_class: row.costClass,
        control: row.control,
        simulated: row.simulated,
        status: row.status,
        reason: row.reason,
        key: row.key,
      }),
    },
    {
      id: 'rank',
      title: 'Rank',
      hint: 'Within the weight class, from the best rank it may have to the worst: only significant differences count.',
      numeric: true,
      bestFirst: 'ascending',
      sortValue: ({ rank }) => rank && rank.best + rank.worst,
      exported: ({ rank, weightClass }) => ({
        weight_class: weightClass,
        rank_best: rank?.best ?? null,
        rank_worst: rank?.worst ?? null,
        ranked_with: rank?.of ?? null,
      }),
    },
    {
      id: 'quality',
      title: capitalized(words.title),
      ...(view.metric === 'perplexity' ? {} : { unit: '%' }),
      hint: `${capitalized(words.direction)}; the mean over seeds.`,
      numeric: true,
      bestFirst: worseUp,
      sortValue: ({ quality }) => quality?.value ?? null,
      exported: ({ quality }) => ({
        [words.title]: quality?.value ?? null,
        [`${words.title}_low`]: quality?.low ?? null,
        [`${words.title}_high`]: quality?.high ?? null,
      }),
    },
    {
      id: 'gap',
      title: 'Against dense',
      unit: view.metric === 'perplexity' ? '%' : 'points',
      hint: `Difference to dense, ${words.gap}, paired by test item, with its 95 % interval; the thin line marks dense. Grey if not significant.`,
      numeric: true,
      bestFirst: worseUp,
      sortValue: ({ gap }) => gap?.value ?? null,
      exported: ({ gap, gapSignificant }) => ({
        gap: gap?.value ?? null,
        gap_low: gap?.low ?? null,
        gap_high: gap?.high ?? null,
        gap_significant: gap ? gapSignificant : null,
      }),
    },
    figure(
      {
        id: 'kept',
        title: 'Quality kept',
        hint: 'Share of dense’s quality that is left, over chance where there is such a figure.',
        bestFirst: 'descending',
      },
      'quality_kept',
      ({ kept }) => kept,
    ),
    figure(
      {
        id: 'smaller',
        title: 'Smaller',
        unit: '×',
        hint: 'Dense over artifact, both compressed with zstd; decides the weight class.',
        bestFirst: 'descending',
      },
      'times_smaller',
      ({ ratio }) => ratio,
    ),
    figure(
      {
        id: 'shipped',
        title: 'As shipped',
        unit: 'bytes',
        hint: 'The ONNX file compressed with zstd.',
        bestFirst: 'ascending',
      },
      'zstd_bytes',
      ({ zstdBytes }) => zstdBytes,
    ),
    figure(
      { id: 'file', title: 'File', unit: 'bytes', hint: 'The ONNX file as it is.', bestFirst: 'ascending' },
      'file_bytes',
      ({ fileBytes }) => fileBytes,
    ),
    figure(
      {
        id: 'memory',
        title: 'Memory',
        unit: 'bytes',
        hint: 'Growth of resident memory by loading the file and running it once.',
        bestFirst: 'ascending',
      },
      'resident_memory_bytes',
      ({ memoryBytes }) => memoryBytes,
    ),
    figure(
      {
        id: 'parameters',
        title: 'Parameters',
        hint: 'Weights in the file, packed ones counted unpacked.',
        bestFirst: 'ascending',
      },
      'parameters',
      ({ parameters }) => parameters,
    ),
    figure(
      { id: 'nonzero', title: 'Non-zero', hint: 'Parameters that are not zero.', bestFirst: 'ascending' },
      'non_zero_parameters',
      ({ nonZeroParameters }) => nonZeroParameters,
    ),
    ...view.shapes.flatMap(({ shape, name }, i): readonly Column[] => [
      {
        id: `speed-${shape}`,
        title: `Speed, ${name}`,
        unit: '×',
        hint: `Times as fast as dense at ${name}, paired by round, with its 95 % interval; ~ marks a noisy timing.`,
        numeric: true,
        bestFirst: 'descending',
        // A noisy timing is not ranked by speed.
        sortValue: ({ speeds }) => (speeds[i]?.noisy ? null : (speeds[i]?.value ?? null)),
        exported: ({ speeds }) => ({
          [`speed_up_${shape}`]: speeds[i]?.value ?? null,
          [`speed_up_${shape}_low`]: speeds[i]?.low ?? null,
          [`speed_up_${shape}_high`]: speeds[i]?.high ?? null,
          [`noisy_${shape}`]: speeds[i]?.noisy ?? null,
        }),
      },
      {
        ...figure(
          {
            id: `time-${shape}`,
            title: `Time, ${name}`,
            unit: 'ms',
            hint: `Median time of a call at ${name}.`,
            bestFirst: 'ascending',
          },
          `p50_ms_${shape}`,
          ({ speeds }) => speeds[i]?.p50Ms ?? null,
        ),
        onlyRatiosCompare: true,
      },
    ]),
    {
      ...figure(
        {
          id: 'cost',
          title: 'Cost',
          unit: 's',
          hint: 'Seconds that compressing took: of the processor, all threads together, or of the accelerator where one was used.',
          bestFirst: 'ascending',
        },
        'compute_seconds',
        ({ computeSeconds }) => computeSeconds,
      ),
      exported: ({ computeSeconds, computeUnit }) => ({ compute_seconds: computeSeconds, compute_unit: computeUnit }),
    },
    figure(
      { id: 'wall', title: 'Wall time', unit: 's', hint: 'Time on the clock of compressing.', bestFirst: 'ascending' },
      'wall_seconds',
      ({ wallSeconds }) => wallSeconds,
    ),
    figure(
      {
        id: 'peak',
        title: 'Peak memory',
        unit: 'bytes',
        hint: 'Largest resident memory of the process that compressed.',
        bestFirst: 'ascending',
      },
      'peak_memory_bytes',
      ({ peakMemoryBytes }) => peakMemoryBytes,
    ),
    figure(
      {
        id: 'tokens',
        title: 'Tokens seen',
        hint: 'Tokens of calibration or training data the method was given or processed.',
        bestFirst: 'ascending',
      },
      'tokens_seen',
      ({ tokensSeen }) => tokensSeen,
    ),
    figure(
      { id: 'steps', title: 'Gradient steps', hint: 'Updates of the weights by gradients.', bestFirst: 'ascending' },
      'gradient_steps',
      ({ gradientSteps }) => gradientSteps,
    ),
    figure(
      {
        id: 'energy',
        title: 'Energy',
        unit: 'J',
        hint: 'Of the processor packages while compressing, where the machine has a counter.',
        bestFirst: 'ascending',
      },
      'energy_joules',
      ({ energyJoules }) => energyJoules,
    ),
    figure(
      {
        id: 'kl',
        title: 'KL from dense',
        unit: 'nats',
        hint: 'Mean divergence of the predicted distribution from dense’s.',
        bestFirst: 'ascending',
      },
      'kl_divergence',
      ({ klDivergence }) => klDivergence,
    ),
    figure(
      {
        id: 'same',
        title: 'Same top',
        unit: '%',
        hint: 'Share of decisions whose most probable outcome is dense’s.',
        bestFirst: 'descending',
      },
      'same_top',
      ({ sameTop }) => sameTop,
    ),
    figure(
      {
        id: 'lost',
        title: 'Right → wrong',
        unit: '%',
        hint: 'Share of decisions right under dense and wrong here.',
        bestFirst: 'ascending',
      },
      'correct_to_incorrect',
      ({ correctToIncorrect }) => correctToIncorrect,
    ),
    figure(
      {
        id: 'won',
        title: 'Wrong → right',
        unit: '%',
        hint: 'Share of decisions wrong under dense and right here.',
        bestFirst: 'descending',
      },
      'incorrect_to_correct',
      ({ incorrectToCorrect }) => incorrectToCorrect,
    ),
    {
      id: 'worst',
      title: 'Hurt most',
      hint: 'The group of test items that lost most against dense, where the task has groups.',
      numeric: true,
      bestFirst: worseUp,
      sortValue: ({ worstSliceGap }) => worstSliceGap,
      exported: ({ worstSlice, worstSliceGap }) => ({ worst_slice: worstSlice, worst_slice_gap: worstSliceGap }),
    },
    figure(
      {
        id: 'efficiency',
        title: 'Cost-efficiency',
        hint: 'Quality kept × size reduction ÷ compute seconds. Never the default rank.',
        bestFirst: 'descending',
      },
      'cost_efficiency',
      ({ efficiency }) => efficiency,
    ),
    figure(
      {
        id: 'score',
        title: 'Your score',
        hint: 'With the weights set under “Scores”. Never the default rank.',
        bestFirst: 'descending',
      },
      'score',
      (row) => scoreOf(row, weights),
    ),
    figure(
      { id: 'seeds', title: 'Seeds', hint: 'Trials with different random numbers.', bestFirst: 'descending' },
      'seeds',
      ({ seeds }) => seeds,
    ),
    figure(
      {
        id: 'spread',
        title: 'Seed spread',
        hint: 'Standard deviation of the quality between seeds.',
        bestFirst: 'ascending',
      },
      'seed_deviation',
      ({ seedDeviation }) => seedDeviation,
    ),
    {
      id: 'measured',
      title: 'Measured',
      hint: 'Run and day.',
      numeric: false,
      bestFirst: 'descending',
      sortValue: ({ startedAt }) => startedAt,
      exported: ({ run, startedAt }) => ({ run, started_at: startedAt }),
    },
  ];
}

/** Shown by default, together with the speed at every shape. */
const DEFAULT_COLUMNS: ReadonlySet<string> = new Set([
  'method',
  'rank',
  'quality',
  'gap',
  'smaller',
  'shipped',
  'cost',
]);

export function defaultColumns(columns: readonly Column[]): readonly string[] {
  return columns.filter(({ id }) => DEFAULT_COLUMNS.has(id) || id.startsWith('speed-')).map(({ id }) => id);
}
