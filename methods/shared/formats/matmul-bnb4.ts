/**
 * Weights of 4 bits on a non-uniform grid, in the format of bitsandbytes, for the operator com.microsoft MatMulBnb4:
 * value = levels[code] · absmax of the block, with blocks over the flattened [out, in] weight.
 * Dettmers et al. 2023 (QLoRA), https://arxiv.org/abs/2305.14314, section 3; levels of
 * https://github.com/bitsandbytes-foundation/bitsandbytes (functional.py, get_4bit_type); layout of
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulBnb4
 */
import { NumericalError } from '../../../contracts/errors.ts';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { int } from '../../../numerics/onnx/attributes.ts';
import { addInitializers, removeDeadCode, replaceNode, withGraph } from '../../../numerics/onnx/edit.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { nearestLevel } from './nearest-level.ts';
import { type NestedAbsmax, nestAbsmax, nestedAbsmaxNode, unnestAbsmax, withNestedAbsmax } from './nested-absmax.ts';

export type Bnb4Type = 'nf4' | 'fp4';

const FP4_MAGNITUDES = [0, 0.005208333333, 0.66666667, 1, 0.33333333, 0.5, 0.16666667, 0.25];

/** By code. NF4: quantiles of the normal distribution, zero among them; FP4: sign, two bits of exponent, one of mantissa. */
export const LEVELS = {
  nf4: Float32Array.of(
    -1,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1,
  ),
  fp4: Float32Array.from([1, -1].flatMap((sign) => FP4_MAGNITUDES.map((magnitude) => sign * magnitude))),
} as const satisfies Record<Bnb4Type, Float32Array>;

const QUANT_TYPE = { fp4: 0, nf4: 1 } as const satisfies Record<Bnb4Type, number>;

export interface Bnb4Weight {
  readonly type: Bnb4Type;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly blockSize: number;
  /** One code per byte, [out, in]. */
  readonly codes: Uint8Array;
  /** [⌈out · in / blockSize⌉], in float32 or rounded to 8 bits. */
  readonly absmax: Float32Array | NestedAbsmax;
}

export interface Bnb4Format {
  readonly type: Bnb4Type;
  readonly blockSize: number;
  /** Double quantization: the absmax of a block takes 8 bits instead of 32. */
  readonly nested: boolean;
}

/**
 * Rounds each weight to the nearest level of its block. weight: [in, out] row-major. Blocks whose largest weight has no
 * float32 reciprocal (below 2^-128) become zeros. Throws NumericalError when a weight is not finite.
 */
export function quantizeBnb4(
  weight: Float32Array,
  { inFeatures, outFeatures, type, blockSize, nested }: Bnb4Format & Pick<LinearRole, 'inFeatures' | 'outFeatures'>,
): Bnb4Weight {
  const flat = new Float32Array(weight.length); // [out, in]
  for (let out = 0; out < outFeatures; out++) {
    for (let i = 0; i < inFeatures; i++) flat[out * inFeatures + i] = weight[i * outFeatures + out]!;
  }
  const codeOf = nearestCode(LEVELS[type]);
  const absmax = new Float32Array(Math.ceil(flat.length / blockSize));
  const codes = new Uint8Array(flat.length);
  for (let block = 0; block < absmax.length; block++) {
    const end = Math.min((block + 1) * blockSize, flat.length);
    for (let at = block * blockSize; at < end; at++) absmax[block] = Math.max(absmax[block]!, Math.abs(flat[at]!));
    if (!Number.isFinite(absmax[block]!)) {
      throw new NumericalError(
        `${type}: block ${block} holds a weight that is not finite; expected finite float32 weights`,
      );
    }
    const exact = Math.fround(1 / absmax[block]!);
    const reciprocal = Number.isFinite(exact) ? exact : 0;
    for (let at = block * blockSize; at < end; at++) codes[at] = codeOf(Math.fround(flat[at]! * reciprocal));
  }
  return { type, inFeatures, outFeatures, blockSize, codes, absmax: nested ? nestAbsmax(absmax) : absmax };
}

/** The code of the level nearest to a value of [-1, 1]. FP4's second zero is never used. */
function nearestCode(levels: Float32Array): (value: number) => number {
  const codes = [...levels.keys()]
    .filter((code) => !Object.is(levels[code], -0))
    .sort((a, b) => levels[a]! - levels[b]!);
  const ascending = codes.map((code) => levels[code]!);
  return (value) => codes[nearestLevel(ascending, value)]!;
}

/** The float32 weight the codes stand for, [in, out] row-major. */
export function dequantizeBnb4({ type, inFeatures, outFeatures, blockSize, codes, absmax }: Bnb4Weight): Float32Array {
  const scales = absmax instanceof Float32Array ? absmax : unnestAbsmax(absmax);
  const weight = new Float32Array(codes.length);
  codes.forEach((code, at) => {
    const [out, i] = [Math.floor(at / inFeatures), at % inFeatures];
    weight[i * outFeatures + out] = LEVELS[type][code]! * scales[Math.floor(at / blockSize)]!;
  });
  return weight;
}

/** Two codes to a byte, the first in the high half. */
export function packBnb4({ codes }: Pick<Bnb4Weight, 'codes'>): Uint8Array {
  return Uint8Array.from({ length: Math.ceil(codes.length / 2) }, (_, byte) => {
    const low = 2 * byte + 1 < codes.length ? codes[2 * byte + 1]! : 0;
    return (codes[2 * byte]! << 4) | low;
  });
}

/** The model with these linear layers' MatMuls replaced by MatMulBnb4; their float32 weights are removed. */
export function withBnb4Linears(
  model: Model,
  linears: Iterable<{ readonly linear: LinearRole; readonly quantized: Bnb4Weight }>,
): Model {
  let { onnx } = model;
  for (const { linear, quantized } of linears) {
    const { node: name, input, output, weight } = linear;
    const { type, inFeatures, outFeatures, blockSize, absmax } = quantized;
    const packed = packBnb4(quantized);
    const names = { codes: `${weight}.codes`, absmax: `${weight}.absmax` };
    let graph = addInitializers(onnx.graph, { [names.codes]: tensorOf('uint8', [packed.length], packed) });
    const multiply = createNode({
      op: 'MatMulBnb4',
      domain: 'com.microsoft',
      name,
      inputs: [input, names.codes, names.absmax],
      outputs: [output],
      attributes: {
        K: int(inFeatures),
        N: int(outFeatures),
        block_size: int(blockSize),
        quant_type: int(QUANT_TYPE[type]),
      },
    });
    if (absmax instanceof Float32Array) {
      graph = addInitializers(graph, { [names.absmax]: tensorOf('float32', [absmax.length], absmax) });
      onnx = withGraph(onnx, replaceNode(graph, name, [multiply]));
    } else {
      const nested = nestedAbsmaxNode(graph, names.absmax, absmax);
      onnx = withNestedAbsmax(onnx, replaceNode(nested.graph, name, [nested.node, multiply]));
    }
  }
  return model.withOnnx(withGraph(onnx, removeDeadCode(onnx.graph), { opsets: { 'com.microsoft': 1 } }));
}
