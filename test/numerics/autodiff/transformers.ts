/**
 * The encoder and the decoder of test/golden/scripts/autodiff.py as graphs: with the fused operators of the standard, or
 * decomposed into primitives as older exporters write them. Linear weights are [in, out], the transpose of torch's.
 */
import { createGraphBuilder, type GraphBuilder } from '../../../numerics/onnx/builder.ts';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';

export const SIZES = { vocabulary: 11, width: 8, hidden: 16, heads: 2, layers: 2, length: 5, classes: 3 } as const;
const { width, heads } = SIZES;
const headWidth = width / heads;

export interface Parameter {
  readonly name: string;
  /** As torch has it. */
  readonly dims: readonly number[];
}

/** Element `position` of parameter number `index`: uniform in [-0.5, 0.5), norms' scales in [0.75, 1.25). */
export function weightAt(parameter: Parameter, index: number, position: number): number {
  let hash = (Math.imul(position, 2654435761) + Math.imul(index + 1, Math.imul(40503, 65537))) >>> 0;
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 2246822519) >>> 0;
  hash = (hash ^ (hash >>> 13)) >>> 0;
  const value = hash / 2 ** 32 - 0.5;
  return Math.fround(parameter.name.endsWith('norm.weight') ? value * 0.5 + 1 : value);
}

/** A matrix's rows as columns; anything else as it is. */
export function transposed(values: ArrayLike<number>, dims: readonly number[]): Float32Array {
  if (dims.length !== 2) return Float32Array.from(values);
  const [rows = 0, columns = 0] = dims;
  return Float32Array.from(
    { length: rows * columns },
    (_, at) => values[(at % rows) * columns + Math.floor(at / rows)] as number,
  );
}

interface Parts {
  readonly b: GraphBuilder;
  readonly fused: boolean;
  readonly weight: (name: string) => string;
  readonly linear: (name: string, x: string) => string;
}

function startGraph(name: string, parameters: readonly Parameter[], fused: boolean): Parts {
  const b = createGraphBuilder({ name, opset: fused ? 21 : 18 });
  for (const [index, parameter] of parameters.entries()) {
    const { dims } = parameter;
    const count = dims.reduce((product, dim) => product * dim, 1);
    const values = Float32Array.from({ length: count }, (_, position) => weightAt(parameter, index, position));
    // Embeddings are looked up by row; torch multiplies by the transpose of its linear weights.
    const turned = dims.length === 2 && !/tokens|positions/.test(parameter.name);
    b.initializer(
      parameter.name,
      tensorOf('float32', turned ? dims.toReversed() : dims, turned ? transposed(values, dims) : values),
    );
  }
  const weight = (parameter: string): string => parameter;
  const linear = (layer: string, x: string): string =>
    b.add(b.matmul(x, `${layer}.weight`, { name: `${layer}.product` }), `${layer}.bias`, { name: layer });
  return { b, fused, weight, linear };
}

function layerNorm({ b, fused }: Parts, name: string, { x, epsilon }: { x: string; epsilon: number }): string {
  const [scale, bias] = [`${name}.weight`, `${name}.bias`];
  if (fused) return b.layerNormalization(x, scale, { bias, epsilon, name });
  const centred = b.sub(x, b.reduceMean(x, { axes: [-1] }));
  const variance = b.reduceMean(b.pow(centred, b.scalar(2)), { axes: [-1] });
  const unit = b.div(centred, b.sqrt(b.add(variance, b.scalar(epsilon))));
  return b.add(b.mul(unit, scale), bias, { name });
}

function exactGelu({ b, fused }: Parts, x: string): string {
  if (fused) return b.gelu(x);
  return b.mul(b.mul(x, b.add(b.erf(b.div(x, b.scalar(Math.SQRT2))), b.scalar(1))), b.scalar(0.5));
}

function tanhGelu({ b, fused }: Parts, x: string): string {
  if (fused) return b.gelu(x, { approximate: 'tanh' });
  const cubic = b.mul(b.pow(x, b.scalar(3)), b.scalar(0.044715));
  const t = b.tanh(b.mul(b.add(x, cubic), b.scalar(Math.sqrt(2 / Math.PI))));
  return b.mul(b.mul(x, b.scalar(0.5)), b.add(t, b.scalar(1)));
}

type Mask = (scores: string) => string;

/** q, k, v: [batch, length, width] */
function attention({ b }: Parts, { q, k, v, mask }: { q: string; k: string; v: string; mask: Mask }): string {
  const inHeads = (x: string): string => b.reshape(x, [0, 0, heads, headWidth]);
  const keys = b.transpose(inHeads(k), [0, 2, 3, 1]);
  const scores = b.matmul(b.transpose(inHeads(q), [0, 2, 1, 3]), keys);
  const p = b.softmax(mask(b.div(scores, b.scalar(Math.sqrt(headWidth)))), { axis: -1 });
  const mixed = b.matmul(p, b.transpose(inHeads(v), [0, 2, 1, 3]));
  return b.reshape(b.transpose(mixed, [0, 2, 1, 3]), [0, 0, width]);
}

/** Inputs ids and mask: int64 [batch, length]; output logits [batch, classes]. */
export function buildEncoder(parameters: readonly Parameter[], { fused }: { readonly fused: boolean }): OnnxModel {
  const parts = startGraph('encoder', parameters, fused);
  const { b, linear } = parts;
  const epsilon = 1e-12;
  const ids = b.input('ids', 'int64', ['batch', 'length']);
  const mask = b.cast(b.input('mask', 'int64', ['batch', 'length']), { to: 'float32' });
  const bias = b.mul(b.sub(b.scalar(1), b.unsqueeze(mask, [1, 2])), b.scalar(-10_000));
  const embedded = b.add(b.gather('tokens.weight', ids), 'positions.weight');
  let x = layerNorm(parts, 'embedding_norm', { x: embedded, epsilon });
  for (let layer = 0; layer < SIZES.layers; layer++) {
    const name = `layers.${layer}`;
    const [q = '', k = '', v = ''] = ['q', 'k', 'v'].map((role) => linear(`${name}.${role}`, x));
    const mixed = attention(parts, { q, k, v, mask: (scores) => b.add(scores, bias) });
    x = layerNorm(parts, `${name}.attention_norm`, { x: b.add(x, linear(`${name}.o`, mixed)), epsilon });
    const fed = linear(`${name}.down`, exactGelu(parts, linear(`${name}.up`, x)));
    x = layerNorm(parts, `${name}.output_norm`, { x: b.add(x, fed), epsilon });
  }
  const first = b.gather(x, b.scalar(0, 'int64'), { axis: 1 });
  const logits = linear('classifier', b.tanh(linear('pooler', first)));
  b.output(logits, { name: 'logits', dtype: 'float32', dims: ['batch', SIZES.classes] });
  return b.build();
}

/** Input ids: int64 [batch, length]; output logits [batch, length, vocabulary]. */
export function buildDecoder(parameters: readonly Parameter[], { fused }: { readonly fused: boolean }): OnnxModel {
  const parts = startGraph('decoder', parameters, fused);
  const { b, linear } = parts;
  const epsilon = 1e-5;
  const ids = b.input('ids', 'int64', ['batch', 'length']);
  const { length } = SIZES;
  const visible = Uint8Array.from({ length: length * length }, (_, at) =>
    at % length <= Math.floor(at / length) ? 1 : 0,
  );
  const causal = b.initializer('causal', { dtype: 'bool', dims: [length, length], bytes: visible });
  let x = b.add(b.gather('tokens.weight', ids), 'positions.weight');
  for (let layer = 0; layer < SIZES.layers; layer++) {
    const name = `layers.${layer}`;
    const packed = linear(`${name}.qkv`, layerNorm(parts, `${name}.attention_norm`, { x, epsilon }));
    const outputs = [`${name}.q`, `${name}.k`, `${name}.v`];
    const [q = '', k = '', v = ''] = b.split(packed, { axis: -1, outputs, sizes: [width, width, width] });
    const mask: Mask = (scores) => b.where(causal, scores, b.scalar(-1e9));
    x = b.add(x, linear(`${name}.o`, attention(parts, { q, k, v, mask })));
    const normed = layerNorm(parts, `${name}.feed_norm`, { x, epsilon });
    x = b.add(x, linear(`${name}.down`, tanhGelu(parts, linear(`${name}.up`, normed))));
  }
  const final = layerNorm(parts, 'final_norm', { x, epsilon });
  const logits = b.matmul(final, b.transpose('tokens.weight', [1, 0]));
  b.output(logits, { name: 'logits', dtype: 'float32', dims: ['batch', length, SIZES.vocabulary] });
  return b.build();
}
