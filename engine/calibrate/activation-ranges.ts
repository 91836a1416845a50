/**
 * Ranges of values of a model over calibration examples, for grids that are fixed before the model runs. Min-max covers
 * all elements; percentile and entropy clip rare extremes, so that the rest gets a finer grid.
 * Percentile and entropy (Migacz 2017,
 * https://on-demand.gputechconf.com/gtc/2017/presentation/s7310-8-bit-inference-with-tensorrt.pdf) are those of
 * onnxruntime.quantization.calibrate, including its rounding of expanded bins to whole counts. Differs from it: the
 * histogram's limits come from a first pass, so that no bins are added later.
 */
import type { Example } from '../definitions/method.ts';
import type { Model } from '../definitions/model.ts';
import { captureValues } from '../runtime/capture.ts';
import { elements } from '../../numerics/tensor/tensor.ts';

export interface Range {
  readonly low: number;
  readonly high: number;
}

export type RangeRule =
  | { readonly kind: 'min-max' }
  /** Share of the elements inside, in percent; half of the rest is clipped at either end. */
  | { readonly kind: 'percentile'; readonly percentile: number }
  /** The range for which rounding to `levels` levels changes the histogram least, by KL divergence. */
  | { readonly kind: 'entropy'; readonly levels: number };

export interface RangeRun {
  readonly model: Model;
  readonly examples: readonly Example[];
  /** Names of values of the graph. */
  readonly values: readonly string[];
  readonly rule: RangeRule;
  readonly signal?: AbortSignal;
}

/** Counts of elements in bins of equal width over [-limit, limit], and the smallest and largest element. */
export interface Histogram extends Range {
  readonly counts: Float64Array;
  readonly limit: number;
}

const BINS = 2048;

/** By value. All elements of all examples have equal weight. */
export async function activationRanges(run: RangeRun): Promise<ReadonlyMap<string, Range>> {
  const { rule } = run;
  const extremes = await extremesOf(run);
  if (rule.kind === 'min-max') return extremes;
  const histograms = await histogramsOf(run, extremes);
  return new Map(
    [...histograms].map(([value, histogram]) => [
      value,
      rule.kind === 'percentile' ? percentileRange(histogram, rule) : entropyRange(histogram, rule),
    ]),
  );
}

async function extremesOf(run: RangeRun): Promise<ReadonlyMap<string, Range>> {
  const ranges = new Map<string, { low: number; high: number }>();
  await visitElements(run, (value, x) => {
    const range = ranges.get(value) ?? { low: Infinity, high: -Infinity };
    ranges.set(value, range);
    for (let i = 0; i < x.length; i++) {
      if (x[i]! < range.low) range.low = x[i]!;
      if (x[i]! > range.high) range.high = x[i]!;
    }
  });
  return ranges;
}

async function histogramsOf(
  run: RangeRun,
  extremes: ReadonlyMap<string, Range>,
): Promise<ReadonlyMap<string, Histogram>> {
  const histograms = new Map(
    [...extremes].map(([value, { low, high }]): [string, Histogram] => [
      value,
      { low, high, limit: Math.max(Math.abs(low), Math.abs(high)), counts: new Float64Array(BINS) },
    ]),
  );
  await visitElements(run, (value, x) => addToHistogram(histograms.get(value)!, x));
  return histograms;
}

async function visitElements(
  { model, examples, values, signal }: RangeRun,
  visit: (value: string, x: Float32Array) => void,
): Promise<void> {
  await captureValues({
    model: model.onnx,
    values,
    examples,
    visit: (captured) => values.forEach((value) => visit(value, elements(captured[value]!, 'float32'))),
    ...(signal && { signal }),
  });
}

/** Bins are closed on the left, the last one on both sides, as numpy's. */
export function addToHistogram({ counts, limit }: Histogram, x: Float32Array): void {
  const bins = counts.length;
  if (limit === 0) {
    counts[bins / 2]! += x.length;
    return;
  }
  const perUnit = bins / (2 * limit);
  for (let i = 0; i < x.length; i++) counts[Math.min(Math.floor((x[i]! + limit) * perUnit), bins - 1)]!++;
}

/** Left edge of a bin; `bin` may be the number of bins. */
function edge({ counts, limit }: Histogram, bin: number): number {
  return -limit + (bin * 2 * limit) / counts.length;
}

function clipped(histogram: Histogram, firstBin: number, endBin: number): Range {
  return {
    low: Math.max(edge(histogram, firstBin), histogram.low),
    high: Math.min(edge(histogram, endBin), histogram.high),
  };
}

/** The edges of the bins that contain the quantiles. */
export function percentileRange(histogram: Histogram, { percentile }: { readonly percentile: number }): Range {
  const { counts } = histogram;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const cut = (100 - percentile) / 200;
  const binOf = (share: number) => {
    let sum = 0;
    const bin = counts.findIndex((count) => (sum += count / total) >= share);
    return bin < 0 ? counts.length : bin;
  };
  return clipped(histogram, binOf(cut), binOf(1 - cut));
}

export function entropyRange(histogram: Histogram, { levels }: { readonly levels: number }): Range {
  const { counts } = histogram;
  const middle = counts.length / 2;
  const before = new Float64Array(counts.length + 1); // before[i]: elements in bins before i
  counts.forEach((count, bin) => (before[bin + 1] = before[bin]! + count));
  let best = { divergence: Infinity, first: middle - Math.floor(levels / 2), end: middle + Math.floor(levels / 2) + 1 };
  for (let half = Math.floor(levels / 2); half <= middle; half++) {
    const first = middle - half;
    const end = Math.min(middle + half + 1, counts.length);
    const divergence = divergenceAfterRounding({ counts, before, first, end, levels });
    if (divergence < best.divergence) best = { divergence, first, end };
  }
  return clipped(histogram, best.first, best.end);
}

/**
 * KL(p ‖ q): p is the bins [first, end) with the counts outside added to the outermost ones, q the bins merged to
 * levels and expanded again.
 */
function divergenceAfterRounding(options: {
  readonly counts: Float64Array;
  readonly before: Float64Array;
  readonly first: number;
  readonly end: number;
  readonly levels: number;
}): number {
  const { counts, before, first, end, levels } = options;
  const size = end - first;
  const p = counts.slice(first, end);
  p[0]! += before[first]!;
  p[size - 1]! += before[counts.length]! - before[end]!;
  const q = new Float64Array(size);
  const perLevel = Math.floor(size / levels);
  for (let level = 0; level < levels; level++) {
    const from = level * perLevel;
    const to = from + perLevel;
    // The last level merges the remaining bins, although it is not expanded over them.
    const merged = before[first + (level === levels - 1 ? size : to)]! - before[first + from]!;
    let present = 0;
    for (let i = from; i < to; i++) if (p[i] !== 0) present++;
    if (present > 0) q.fill(Math.trunc(merged / present), from, to);
  }
  return smooth(p) && smooth(q) ? divergence(p, q) : Infinity;
}

/** Moves a little mass from the non-empty bins to the empty ones; false where all bins are empty. */
function smooth(distribution: Float64Array): boolean {
  const share = 1e-4;
  const zeros = distribution.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
  const others = distribution.length - zeros;
  if (others === 0) return false;
  for (let i = 0; i < distribution.length; i++) {
    distribution[i]! += distribution[i] === 0 ? share : (-share * zeros) / others;
  }
  return true;
}

function divergence(p: Float64Array, q: Float64Array): number {
  const total = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);
  const ratio = total(q) / total(p);
  return p.reduce((sum, value, i) => sum + value * Math.log((value / q[i]!) * ratio), 0) / total(p);
}
