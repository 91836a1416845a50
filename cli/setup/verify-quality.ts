/** Quality and distance of an evaluation, computed again from its outcomes. */
import type { Estimate, EvaluationRow, Items } from '../../contracts/result.ts';
import { itemsWhere, qualityColumn, summarizeItems } from '../../numerics/statistics/item-statistics.ts';
import { sum } from '../../numerics/statistics/statistics.ts';
import { type CheckField, requireEqual, requireEstimate, requireNear } from './verify-field.ts';

type CompletedEvaluation = Extract<EvaluationRow, { status: 'completed' }>;

/** Two-sided 95 % of the normal distribution. */
const DEVIATIONS = 1.96;
/**
 * The stored intervals are percentiles of a bootstrap. An interval of the same ratio by its linearised deviation is not the same
 * and takes a thousandth of the time; widths that differ by more than this factor are not those of the outcomes.
 */
const WIDTH_RATIO = 2;
/** Below this many items that differ, neither interval is near the other. */
const LEAST_ITEMS = 30;

export function verifyQuality({ quality, distance, outcomes }: CompletedEvaluation, refuse: CheckField): void {
  verifyItems(outcomes, refuse);
  const { metric } = quality;
  requireEqual(refuse, 'quality.higherIsBetter', String(metric !== 'perplexity'), String(quality.higherIsBetter));
  requireEqual(refuse, 'quality.items', outcomes.ids.length, quality.items);
  requireEqual(refuse, 'quality.tokens', sum(outcomes.tokens), quality.tokens);
  const { estimate: whole, dense: wholeDense } = quality;
  verifyMetric({ items: outcomes, metric, field: 'quality', estimate: whole, dense: wholeDense }, refuse);
  const difference = outcomes.negativeLogLikelihood.map(
    (loss, index) => loss - (outcomes.denseNegativeLogLikelihood[index] ?? NaN),
  );
  const columns = {
    deltaLogPerplexity: difference,
    klDivergence: outcomes.klDivergence,
    sameTop: outcomes.sameTop,
    correctToIncorrect: outcomes.correctToIncorrect,
    incorrectToCorrect: outcomes.incorrectToCorrect,
  } as const;
  for (const field of Object.keys(columns) as (keyof typeof columns)[]) {
    const mean = perToken(outcomes, columns[field]);
    requireEstimate(refuse, `distance.${field}`, mean, distance[field]);
    verifyWidth(
      { field: `distance.${field}`, items: outcomes, column: columns[field], estimate: distance[field] },
      refuse,
    );
  }
  const slices = new Set(outcomes.slices);
  const named = new Set(quality.slices?.map(({ slice }) => slice));
  const odd = [...slices, ...named].find((slice) => !slices.has(slice) || !named.has(slice));
  if (odd !== undefined) refuse('quality.slices', `the slices of outcomes.slices`, `one of both lacks ${odd}`);
  for (const { slice, items, estimate, dense } of quality.slices ?? []) {
    const part = itemsWhere(outcomes, (index) => outcomes.slices?.[index] === slice);
    const field = `quality.slices.${slice}`;
    requireEqual(refuse, `${field}.items`, part.ids.length, items);
    verifyMetric({ items: part, metric, field, estimate, dense }, refuse);
  }
}

function verifyMetric(
  parts: {
    readonly items: Items;
    readonly metric: CompletedEvaluation['quality']['metric'];
    readonly field: string;
    readonly estimate: Estimate;
    readonly dense: number;
  },
  refuse: CheckField,
): void {
  const { items, metric, field, estimate, dense } = parts;
  const perplexity = metric === 'perplexity';
  const name = qualityColumn(metric);
  if (name === 'agreement') {
    // Not a mean over items: computed whole.
    const { quality } = summarizeItems(items, { metric });
    for (const part of ['value', 'low', 'high'] as const) {
      requireNear(refuse, `${field}.estimate.${part}`, quality.estimate[part], estimate[part]);
    }
    requireNear(refuse, `${field}.dense`, quality.dense, dense);
    return;
  }
  const column = items[name];
  const [mean, denseMean] = [perToken(items, column), perToken(items, denseColumn(items, perplexity))];
  requireEstimate(refuse, `${field}.estimate`, perplexity ? Math.exp(mean) : mean, estimate);
  requireNear(refuse, `${field}.dense`, perplexity ? Math.exp(denseMean) : denseMean, dense);
  const inLogs = perplexity ? { value: mean, low: Math.log(estimate.low), high: Math.log(estimate.high) } : estimate;
  verifyWidth({ field: `${field}.estimate`, items, column, estimate: inLogs }, refuse);
}

const denseColumn = (items: Items, perplexity: boolean) =>
  perplexity ? items.denseNegativeLogLikelihood : items.denseCorrect;

function perToken({ tokens }: Items, column: readonly number[]): number {
  return sum(column) / sum(tokens);
}

/** The width of an interval beside that of a ratio of sums, https://en.wikipedia.org/wiki/Ratio_estimator. */
function verifyWidth(
  parts: {
    readonly field: string;
    readonly items: Items;
    readonly column: readonly number[];
    readonly estimate: Estimate;
  },
  refuse: CheckField,
): void {
  const { field, items, column, estimate } = parts;
  const count = column.length;
  const residuals = column.map((value, index) => value - estimate.value * (items.tokens[index] ?? NaN));
  const differing = column.filter((value) => value !== 0).length;
  const deviation =
    Math.sqrt(sum(residuals.map((residual) => residual ** 2)) * (count / (count - 1))) / sum(items.tokens);
  if (differing < LEAST_ITEMS || deviation === 0) return;
  const expected = 2 * DEVIATIONS * deviation;
  const width = estimate.high - estimate.low;
  if (width > WIDTH_RATIO * expected || expected > WIDTH_RATIO * width) {
    refuse(field, `an interval about ${expected} wide by its outcomes`, width);
  }
}

/** Counts lie within an item's decisions, and a distribution diverges from another by no less than nothing. */
function verifyItems(items: Items, refuse: CheckField): void {
  if (new Set(items.ids).size !== items.ids.length) refuse('outcomes.ids', 'each item once', 'an item twice');
  const counts = ['sameTop', 'correct', 'denseCorrect', 'correctToIncorrect', 'incorrectToCorrect'] as const;
  for (const [index, tokens] of items.tokens.entries()) {
    const high = counts.find((column) => (items[column][index] ?? Infinity) > tokens);
    if (high !== undefined)
      refuse(`outcomes.${high}.${index}`, `at most ${tokens} decisions`, items[high][index] ?? '');
    const [right = 0, denseRight = 0, lost = 0, won = 0] = counts.slice(1).map((column) => items[column][index]);
    if (right - denseRight !== won - lost) refuse(`outcomes.correct.${index}`, `${denseRight + won - lost}`, right);
  }
  for (const column of ['negativeLogLikelihood', 'denseNegativeLogLikelihood'] as const) {
    const index = items[column].findIndex((loss) => loss < 0);
    if (index >= 0) refuse(`outcomes.${column}.${index}`, 'at least 0', items[column][index] ?? '');
  }
}
