/**
 * Expands attention to primitives, so that its gradients are those of products and softmax. Vaswani et al. 2017,
 * https://arxiv.org/abs/1706.03762 https://onnx.ai/onnx/operators/onnx__Attention.html, MultiHeadAttention of
 * onnxruntime's ContribOperators.md
 *   y = softmax(s q kᵀ + mask) v          q: [batch, heads, rows, width], k, v: [batch, key heads, columns, width]
 * A key head serves heads / key heads consecutive query heads. A masked score is -1e9, which avoids infinities.
 */
import { present } from '../../../contracts/present.ts';
import type { GradientBuilder } from '../gradient-builder.ts';
import { defineRule, type ExpandRule, type ForwardNode } from '../rule.ts';

const MASKED_SCORE = -1e9;

interface Heads {
  readonly q: string;
  readonly k: string;
  readonly v: string;
}

interface Scoring {
  readonly scale: number;
  readonly softcap: number;
  readonly causal: boolean;
  /** Boolean (true where visible), or added to the scores. */
  readonly masks: readonly string[];
}

/** [batch, length, heads * width] → [batch, heads, length, width] */
function splitHeads(b: GradientBuilder, x: string, heads: number): string {
  const [batch = 0, length = 0, width = 0] = b.dims(x);
  return b.transpose(b.reshapeTo(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
}

function joinHeads(b: GradientBuilder, y: string): string {
  const [batch = 0, heads = 0, length = 0, width = 0] = b.dims(y);
  return b.reshapeTo(b.transpose(y, [0, 2, 1, 3]), [batch, length, heads * width]);
}

function repeatHeads(b: GradientBuilder, x: string, heads: number): string {
  const [batch = 0, keyHeads = 0, length = 0, width = 0] = b.dims(x);
  if (keyHeads === heads) return x;
  const single = b.reshapeTo(x, [batch, keyHeads, 1, length, width]);
  const groups = b.expandTo(single, [batch, keyHeads, heads / keyHeads, length, width]);
  return b.reshapeTo(groups, [batch, heads, length, width]);
}

/** bool [rows, columns]: true up to the row's own column. */
function causalMask(b: GradientBuilder, rows: number, columns: number): string {
  const range = (length: number): string => b.range(b.int64(0), b.int64(length), b.int64(1));
  return b.lessOrEqual(range(columns), b.unsqueeze(range(rows), [1]));
}

function attend(b: GradientBuilder, { q, k, v }: Heads, { scale, softcap, causal, masks }: Scoring): string {
  const heads = present(b.dims(q)[1], 'b.dims(q)[1]');
  const [keys, values] = [repeatHeads(b, k, heads), repeatHeads(b, v, heads)];
  let scores = b.matrixProduct(q, keys, { transB: true, alpha: scale });
  if (softcap !== 0) scores = b.scale(b.tanh(b.scale(scores, 1 / softcap)), softcap);
  const hidden = b.scalarLike(q, MASKED_SCORE);
  const seen = causal
    ? [
        ...masks,
        causalMask(b, present(b.dims(scores)[2], 'b.dims(scores)[2]'), present(b.dims(scores)[3], 'b.dims(scores)[3]')),
      ]
    : masks;
  for (const mask of seen) scores = b.dtype(mask) === 'bool' ? b.where(mask, scores, hidden) : b.add(scores, mask);
  return b.matmul(b.softmax(scores, { axis: -1 }), values);
}

function refuse(node: ForwardNode, inputs: Readonly<Record<number, string>>): void {
  for (const [index, what] of Object.entries(inputs)) {
    if (node.optional(Number(index)) !== undefined) node.unsupported(`${what} has no gradient here`);
  }
}

export const attention: readonly ExpandRule[] = [
  defineRule({
    op: 'Attention',
    since: 23,
    expand(b, node) {
      refuse(node, { 4: 'a past key', 5: 'a past value', 6: 'a count of unpadded keys' });
      const flat = node.dims(0).length === 3;
      const inHeads = (index: number, count: string): string =>
        flat ? splitHeads(b, node.input(index), node.int(count)) : node.input(index);
      const q = inHeads(0, 'q_num_heads');
      const [k, v] = [inHeads(1, 'kv_num_heads'), inHeads(2, 'kv_num_heads')];
      const mask = node.optional(3);
      if (mask !== undefined && b.dims(mask).at(-1) !== b.dims(k)[2]) {
        return node.unsupported('a mask shorter than the keys has no gradient here');
      }
      const y = attend(
        b,
        { q, k, v },
        {
          scale: node.float('scale', 1 / Math.sqrt(present(b.dims(q)[3], 'b.dims(q)[3]'))),
          softcap: node.float('softcap', 0),
          causal: node.int('is_causal', 0) === 1,
          masks: mask === undefined ? [] : [mask],
        },
      );
      return [flat ? joinHeads(b, y) : y, '', '', ''];
    },
  }),
  defineRule({
    op: 'MultiHeadAttention',
    domain: 'com.microsoft',
    since: 1,
    expand(b, node) {
      refuse(node, { 4: 'a padding mask', 6: 'a past key', 7: 'a past value' });
      if (node.optional(1) === undefined || node.optional(2) === undefined || node.dims(1).length !== 3) {
        return node.unsupported('packed queries, keys and values have no gradient here');
      }
      const heads = node.int('num_heads');
      const bias = node.optional(3);
      const widths = [0, 1, 2].map((index) => present(node.dims(index)[2], 'node.dims(index)[2]'));
      const biases =
        bias === undefined
          ? []
          : b.split(bias, { axis: 0, sizes: widths, outputs: ['bias_q', 'bias_k', 'bias_v'], name: 'Split' });
      const inHeads = (index: number): string => {
        const own = biases[index];
        return splitHeads(b, own === undefined ? node.input(index) : b.add(node.input(index), own), heads);
      };
      const added = node.optional(5);
      const scale = node.float('scale', 0);
      const y = attend(
        b,
        { q: inHeads(0), k: inHeads(1), v: inHeads(2) },
        {
          scale: scale === 0 ? 1 / Math.sqrt(present(widths[0], 'widths[0]') / heads) : scale,
          softcap: 0,
          causal: node.int('unidirectional', 0) === 1,
          masks: added === undefined ? [] : [added],
        },
      );
      return [joinHeads(b, y), '', ''];
    },
  }),
];
