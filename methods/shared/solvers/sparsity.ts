/** Selects the weights a pruning method keeps, given their scores: the highest of each comparison group. */
import * as v from 'valibot';
import { InputError } from '../../../contracts/errors.ts';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import type { Span } from '../formats/grid.ts';

export const PATTERNS = ['2:4', '4:8'] as const;
/** `n:m`: at most n of every m consecutive input features of an output are kept. */
export type Pattern = (typeof PATTERNS)[number];
/** A share of weights set to zero, or a pattern, which sets half of them to zero. */
export type Sparsity = number | Pattern;

export const sparsityParameter = v.pipe(
  v.union([v.pipe(v.number(), v.gtValue(0), v.ltValue(1)), v.picklist(PATTERNS)]),
  v.description('Share of the weights set to zero, or N:M, where N of every M consecutive inputs of an output stay.'),
);

/** 1 where a weight is kept, 0 where it becomes zero; in the layout of the weight. */
export type Mask = Uint8Array;

/**
 * Writes 0 into `mask`, which starts as ones, for the `pruned` lowest scores within a span; of equal scores the earlier
 * are pruned.
 */
export function pruneLowest(scores: Float32Array | Float64Array, span: Span, pruned: number, mask: Mask): void {
  if (pruned <= 0) return;
  const { start, stride, count } = span;
  if (scratch.length < count) scratch = new Float64Array(count);
  for (let i = 0; i < count; i++) scratch[i] = scores[start + i * stride]!;
  const rank = Math.min(pruned, count);
  const threshold = selectRank(scratch, count, rank - 1);
  // After selection all scores before the rank are no larger.
  let equal = rank;
  for (let i = 0; i < rank; i++) if (scratch[i]! < threshold) equal--;
  for (let i = 0, at = start; i < count; i++, at += stride) {
    const score = scores[at]!;
    if (score < threshold) mask[at] = 0;
    else if (score === threshold && equal > 0) {
      mask[at] = 0;
      equal--;
    }
  }
}

/** Kept between calls: patterns need millions of small ones. */
let scratch = new Float64Array(0);

/**
 * The value that would be at index `rank` if the first `count` values were sorted. Reorders them so that none before it
 * is larger and none after it smaller. Hoare's quickselect, pivot the median of three.
 */
function selectRank(values: Float64Array, count: number, rank: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const a = values[low]!;
    const b = values[(low + high) >> 1]!;
    const c = values[high]!;
    const pivot = a < b ? (b < c ? b : a < c ? c : a) : a < c ? a : b < c ? c : b;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i <= j) {
        const swapped = values[i]!;
        values[i++] = values[j]!;
        values[j--] = swapped;
      }
    }
    if (rank <= j) high = j;
    else if (rank >= i) low = i;
    else break;
  }
  return values[rank]!;
}

type Shape = Pick<LinearRole, 'inFeatures' | 'outFeatures'>;

/** Compares all weights of a layer with each other. scores: [in, out]. */
export function layerMask(scores: Float32Array | Float64Array, sparsity: number): Mask {
  const mask = new Uint8Array(scores.length).fill(1);
  const count = scores.length;
  pruneLowest(scores, { start: 0, stride: 1, count }, Math.round(sparsity * count), mask);
  return mask;
}

/** Compares the weights of each output with each other. scores: [in, out]. */
export function outputMask(
  scores: Float32Array | Float64Array,
  { inFeatures, outFeatures }: Shape,
  sparsity: number,
): Mask {
  const mask = new Uint8Array(scores.length).fill(1);
  const pruned = Math.round(sparsity * inFeatures);
  for (let out = 0; out < outFeatures; out++) {
    pruneLowest(scores, { start: out, stride: outFeatures, count: inFeatures }, pruned, mask);
  }
  return mask;
}

/** n and m of a pattern `n:m`. */
export function patternCounts(pattern: Pattern): { readonly kept: number; readonly of: number } {
  const [kept = 0, of = 0] = pattern.split(':').map(Number);
  return { kept, of };
}

/**
 * Compares each group of m consecutive inputs of an output. A shorter last group loses the same share, rounded down.
 * scores: [in, out].
 */
export function patternMask(
  scores: Float32Array | Float64Array,
  { inFeatures, outFeatures }: Shape,
  pattern: Pattern,
): Mask {
  const { kept, of } = patternCounts(pattern);
  const mask = new Uint8Array(scores.length).fill(1);
  for (let out = 0; out < outFeatures; out++) {
    for (let first = 0; first < inFeatures; first += of) {
      const count = Math.min(of, inFeatures - first);
      const span = { start: first * outFeatures + out, stride: outFeatures, count };
      pruneLowest(scores, span, Math.floor((count * (of - kept)) / of), mask);
    }
  }
  return mask;
}

/** The model with the masked weights of one linear layer set to zero. */
export function withMask(model: Model, linear: LinearRole, mask: Mask): Model {
  const weight = model.weight(linear);
  if (mask.length !== weight.length) {
    throw new InputError(`mask of ${linear.role}: expected ${weight.length} entries, got ${mask.length}`);
  }
  const pruned = weight.map((value, at) => (mask[at] === 0 ? 0 : value));
  return model.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], pruned));
}
