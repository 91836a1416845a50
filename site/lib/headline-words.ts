/** The headline of a weight class in words. */
import { capitalized } from '../../contracts/words/text.ts';
import type { BoardRow, BoardView, HeadlineView } from './board-view.ts';
import {
  formatBytes,
  formatCost,
  formatGap,
  formatGapInterval,
  formatPlainGap,
  formatRatio,
  formatTimesRange,
} from './format.ts';
import { metricWords } from './metric.ts';
import { visibleText } from './visible-text.ts';

/** "12 to 40 times the compute for 5.3 % lower perplexity." */
export function verdictSentence(line: HeadlineView, view: Pick<BoardView, 'metric' | 'higherIsBetter'>): string {
  const words = metricWords(view.metric);
  const price = priceOf(line);
  switch (line.verdict) {
    case 'high-cost better':
      return `${price} for ${amount(line, view)} ${words.better} ${words.title}.`;
    case 'low-cost better':
      return `${price}, and ${amount(line, view)} ${words.worse} ${words.title}: training loses.`;
    case 'undecided':
      return `${price}, and no difference that a test can tell from chance.`;
    case 'depends on size':
      return 'Training wins at one size of this class and loses at another.';
    case 'larger is better':
      return 'No verdict: the better one is larger.';
    case 'only low-cost':
      return 'Only methods that look have this size.';
    case 'only high-cost':
      return 'Only methods that train have this size.';
    case 'empty':
      return 'Nothing this small yet.';
  }
}

function priceOf({ computeRatio, lowCost, highCost }: HeadlineView): string {
  if (computeRatio) {
    return capitalized(`${formatTimesRange(computeRatio.least.value, computeRatio.most.value)} the compute`);
  }
  const [high, low] = [costOf(highCost), costOf(lowCost)];
  return high && low ? `${high} of compute against ${low}` : 'Training, at a cost not measured,';
}

/** Null where it was not read. */
export function costOf(row: BoardRow | null): string | null {
  return row === null || row.computeSeconds === null ? null : formatCost(row.computeSeconds);
}

/** The size of the difference without a sign; the sentence says which way it goes. */
function amount({ gap }: HeadlineView, { metric }: Pick<BoardView, 'metric'>): string {
  return gap ? formatPlainGap(metric, gap.value) : '';
}

/** The difference with its interval, and what the compute is set against. */
export function verdictDetail(line: HeadlineView, view: BoardView): string {
  if (!line.gap) return '';
  const words = metricWords(view.metric);
  const about = line.artifactsOnly ? '; with 1 seed, it speaks of these artifacts only' : '';
  const difference =
    `Gap in ${words.title} ${formatGap(view.metric, line.gap.value)} ` +
    `${formatGapInterval(view.metric, line.gap)}, 95\u00a0% interval over test items and seeds${about}.`;
  return [difference, computeDetail(line, view)].filter(Boolean).join(' ');
}

/** Which entries the ratio is of, and how sure it is. */
function computeDetail({ computeRatio, noComputeRatio }: HeadlineView, { rows }: BoardView): string {
  if (!computeRatio) return noComputeRatio === null ? '' : `No ratio of compute: ${noComputeRatio}.`;
  const nameOf = (slug: string) => visibleText(rows.find((row) => row.slug === slug)?.id ?? slug);
  const { least, most, cheapestLowCost, cheapestHighCost } = computeRatio;
  const range =
    least.interval && most.interval
      ? `, 95\u00a0% interval ${formatRatio(least.interval.low)} to ${formatRatio(most.interval.high)}`
      : ', of one run each';
  return (
    `Compute against ${nameOf(cheapestLowCost)}, the cheapest that no test separates from the best low-cost one; ` +
    `from ${nameOf(cheapestHighCost)} to the best high-cost one${range}.`
  );
}

/** The area between the curves of both cost classes. */
export function curvesSentence(between: NonNullable<BoardView['betweenCurves']>, view: BoardView): string {
  const { smallestBytes, largestBytes, doublings, difference } = between;
  const { value } = difference.shown;
  const words = metricWords(view.metric);
  return (
    `The whole curves, quality against bytes: from ${formatBytes(smallestBytes)} to ${formatBytes(largestBytes)} ` +
    `(${doublings.toFixed(2)} doublings) the area between them is ${formatGap(view.metric, value)} ` +
    `${formatGapInterval(view.metric, difference.shown)} in ${words.title} per doubling, high-cost minus low-cost` +
    `${difference.significant ? '' : ', which no test tells from none'}.`
  );
}
