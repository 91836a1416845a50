/**
 * Fused attention and rotary positions.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md, https://onnx.ai/onnx/operators/onnx__Attention.html
 */
import { present } from '../../../contracts/present.ts';
import type { RuleContext, ShapedValue, ShapeRule, ShapeRules } from './rule.ts';
import { sameAsFirst, shaped } from './rule.ts';

type Dims3 = readonly [number, number, number];
type Dims4 = readonly [number, number, number, number];

/** Length of cached keys and values of earlier steps, [batch, heads, past, width]; 0 without a cache. */
function pastLength(value: ShapedValue | undefined): number {
  return value?.dims[2] ?? 0;
}

/**
 * Query [batch, sequence, width], keys and values the same or [batch, heads, length, head width], or all packed in the
 * query.
 */
const multiHeadAttention: ShapeRule = (context) => {
  const query = context.input(0);
  const key = context.optional(1);
  const value = context.optional(2);
  const heads = context.int('num_heads');
  const [batch, sequence] = query.dims as Dims3;
  const past = pastLength(context.optional(6));
  let width = present(query.dims[2], 'query.dims[2]');
  let valueWidth = width;
  let length = sequence;
  if (query.dims.length === 5) {
    // Packed [batch, sequence, heads, 3, head width].
    width = valueWidth = heads * present(query.dims[4], 'query.dims[4]');
  } else if (key !== undefined && key.dims.length === 5) {
    // Packed [batch, length, heads, 2, head width].
    length = present(key.dims[1], 'key.dims[1]');
  } else if (value !== undefined) {
    const apart = value.dims.length === 4;
    valueWidth = apart ? heads * present(value.dims[3], 'value.dims[3]') : present(value.dims[2], 'value.dims[2]');
    length = present(value.dims[apart ? 2 : 1], 'value.dims[apart?2:1]');
  }
  const keys = [batch, heads, past + length];
  return [
    shaped(query.dtype, [batch, sequence, valueWidth]),
    shaped(query.dtype, [...keys, width / heads]),
    shaped(query.dtype, [...keys, valueWidth / heads]),
    shaped(query.dtype, [batch, heads, sequence, past + length]),
  ];
};

/** Input [batch, sequence, in], one weight [in, query + key + value width]; outputs result and present [2, batch, heads, total, head width]. */
const packedAttention =
  (biasInput: number, pastInput: number, output: (context: RuleContext) => ShapedValue): ShapeRule =>
  (context) => {
    const [batch, sequence] = context.input(0).dims as Dims3;
    const heads = context.int('num_heads');
    const total = (context.optional(biasInput)?.dims[0] ?? context.input(1).dims[1]) as number;
    const sizes = context.ints('qkv_hidden_sizes', [total / 3, total / 3, total / 3]);
    const past = context.optional(pastInput)?.dims[3] ?? 0;
    const { dtype } = output(context);
    return [
      shaped(dtype, [batch, sequence, present(sizes[2], 'sizes[2]')]),
      shaped(dtype, [2, batch, heads, past + sequence, present(sizes[1], 'sizes[1]') / heads]),
    ];
  };

/**
 * Query [batch, sequence, heads * width], optionally with keys and values packed after it; outputs result, present key
 * and value.
 */
const groupQueryAttention: ShapeRule = (context) => {
  const query = context.input(0);
  const [batch, sequence, features] = query.dims as Dims3;
  const heads = context.int('num_heads');
  const keyValueHeads = context.int('kv_num_heads');
  const packed = context.optional(1) === undefined;
  const headWidth = packed ? features / (heads + 2 * keyValueHeads) : features / heads;
  const past = pastLength(context.optional(3));
  const total = context.optional(6)?.values?.[0] ?? past + sequence;
  // The runtime grows the cache to the longest sequence, or keeps the given buffer.
  const present = [batch, keyValueHeads, Math.max(past, total), headWidth];
  const cacheType = context.optional(3)?.dtype ?? query.dtype;
  return [
    shaped(query.dtype, [batch, sequence, heads * headWidth]),
    shaped(cacheType, present),
    shaped(cacheType, present),
  ];
};

/** Standard Attention, since opset 23: inputs [batch, heads, length, width], or [batch, length, heads * width] with the head counts given. */
const attention: ShapeRule = (context) => {
  const [q, k, v] = [context.input(0), context.input(1), context.input(2)];
  const flat = q.dims.length === 3;
  const queryHeads = flat ? context.int('q_num_heads') : present(q.dims[1], 'q.dims[1]');
  const keyHeads = flat ? context.int('kv_num_heads') : present(k.dims[1], 'k.dims[1]');
  const split = (dims: readonly number[], heads: number): Dims4 =>
    (flat ? [dims[0], heads, dims[1], present(dims[2], 'dims[2]') / heads] : dims) as unknown as Dims4;
  const [batch, , sequence] = split(q.dims, queryHeads);
  const [, , length, keyWidth] = split(k.dims, keyHeads);
  const [, , , valueWidth] = split(v.dims, keyHeads);
  const total = pastLength(context.optional(4)) + length;
  return [
    shaped(q.dtype, flat ? [batch, sequence, queryHeads * valueWidth] : [batch, queryHeads, sequence, valueWidth]),
    shaped(k.dtype, [batch, keyHeads, total, keyWidth]),
    shaped(v.dtype, [batch, keyHeads, total, valueWidth]),
    shaped(q.dtype, [batch, queryHeads, sequence, total]),
  ];
};

/** Query and value [batch, sequence, heads * width]; outputs the result and the state [batch, heads, key width, value width]. */
const linearAttention: ShapeRule = (context) => {
  const [q, k, v] = [context.input(0), context.input(1), context.input(2)];
  const [batch, sequence] = q.dims as Dims3;
  const keyHeads = context.int('kv_num_heads');
  const [keyWidth, valueWidth] = [
    present(k.dims[2], 'k.dims[2]') / keyHeads,
    present(v.dims[2], 'v.dims[2]') / keyHeads,
  ];
  return [
    shaped(q.dtype, [batch, sequence, context.int('q_num_heads') * valueWidth]),
    shaped(context.optional(3)?.dtype ?? q.dtype, [batch, keyHeads, keyWidth, valueWidth]),
  ];
};

export const attentions: ShapeRules = {
  Attention: attention,
  RotaryEmbedding: sameAsFirst,
  'com.microsoft:MultiHeadAttention': multiHeadAttention,
  'com.microsoft:Attention': packedAttention(2, 4, (context) => context.input(0)),
  'com.microsoft:QAttention': packedAttention(2, 8, (context) => context.input(3)),
  'com.microsoft:GroupQueryAttention': groupQueryAttention,
  'com.microsoft:RotaryEmbedding': sameAsFirst,
  'com.microsoft:DecoderMaskedMultiHeadAttention': multiHeadAttention,
  'com.microsoft:MoE': sameAsFirst,
  'com.microsoft:QMoE': sameAsFirst,
  LinearAttention: linearAttention,
};
