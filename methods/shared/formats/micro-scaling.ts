/**
 * Weights of four-bit floating-point numbers with a scale for each few inputs of an output: MXFP4 with powers of two
 * for 32 (OCP Microscaling Formats v1.0,
 * https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf), NVFP4 with FP8 E4M3 for 16
 * and one float32 for the matrix (https://arxiv.org/abs/2509.25149, appendix). Codes lie in the file as planes of bits,
 * scales in 8 bits; the weight is computed from them when the file is loaded, so that memory and speed of a run are
 * those of the dense layer.
 */
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { int } from '../../../numerics/onnx/attributes.ts';
import { addInitializers, removeDeadCode, replaceNode, withGraph } from '../../../numerics/onnx/edit.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { DTYPES } from '../../../numerics/tensor/dtype.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { bitPlaneNodes, packBitPlanes } from './bit-planes.ts';
import type { WeightShape } from './matmul-nbits.ts';
import { bodyNode, callNode, constantNode, type FunctionBody, withFunction } from './model-function.ts';

/** E2M1: code 8 + i is the negative of code i. */
export const E2M1: Float32Array = Float32Array.of(0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6);
/** The 127 values of E4M3 that are not negative; code 127 is not a number. */
export const E4M3: Float32Array = Float32Array.from({ length: 127 }, (_, code) =>
  code < 8 ? code * 2 ** -9 : (1 + (code & 7) / 8) * 2 ** ((code >> 3) - 7),
);
/** E8M0: code is the exponent plus 127. */
const E8M0 = Float32Array.from({ length: 255 }, (_, code) => 2 ** (code - 127));

export const MICRO_FORMATS = {
  mxfp4: { block: 32, scales: E8M0 },
  nvfp4: { block: 16, scales: E4M3 },
} as const;
export type MicroFormat = keyof typeof MICRO_FORMATS;

export interface MicroScaledWeight extends WeightShape {
  readonly format: MicroFormat;
  /** One code per byte, [out, blocks · block], 0 beyond the inputs. */
  readonly codes: Uint8Array;
  /** [out, blocks] */
  readonly scaleCodes: Uint8Array;
  /** What all scales are multiplied by: 1 for mxfp4. */
  readonly factor: number;
}

const LARGEST = 6;

/**
 * weight: [in, out]. Scales as the specifications have them: 2^(⌊log₂ max⌋ − 2), or the E4M3 number nearest to
 * max / 6.
 */
export function quantizeMicro(
  weight: Float32Array,
  { inFeatures, outFeatures, format }: WeightShape & { readonly format: MicroFormat },
): MicroScaledWeight {
  const { block, scales } = MICRO_FORMATS[format];
  const blocks = Math.ceil(inFeatures / block);
  const codes = new Uint8Array(outFeatures * blocks * block);
  const scaleCodes = new Uint8Array(outFeatures * blocks);
  const most = weight.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const factor = format === 'mxfp4' || most === 0 ? 1 : Math.fround(most / (LARGEST * scales[126]!));
  for (let out = 0; out < outFeatures; out++) {
    for (let at = 0; at < blocks; at++) {
      const end = Math.min((at + 1) * block, inFeatures);
      let largest = 0;
      for (let i = at * block; i < end; i++) largest = Math.max(largest, Math.abs(weight[i * outFeatures + out]!));
      const code =
        format === 'mxfp4'
          ? Math.min(254, Math.max(0, (largest === 0 ? -127 : Math.floor(Math.log2(largest))) - 2 + 127))
          : nearest(scales, largest / (LARGEST * factor), 127);
      scaleCodes[out * blocks + at] = code;
      const scale = Math.fround(scales[code]! * factor);
      for (let i = at * block; i < end; i++) {
        const value = scale === 0 ? 0 : weight[i * outFeatures + out]! / scale;
        const size = nearest(E2M1, Math.abs(value), 8);
        codes[out * blocks * block + i] = size + (value < 0 && size > 0 ? 8 : 0);
      }
    }
  }
  return { inFeatures, outFeatures, format, codes, scaleCodes, factor };
}

/** Index of the nearest of the first `count` levels, which ascend; of two equally near ones that of even index. */
function nearest(levels: Float32Array, value: number, count: number): number {
  let above = 0;
  while (above < count - 1 && levels[above]! < value) above++;
  if (above === 0) return 0;
  const [low, high] = [value - levels[above - 1]!, levels[above]! - value];
  return low < high || (low === high && (above - 1) % 2 === 0) ? above - 1 : above;
}

/** The float32 weight that the codes stand for, [in, out]. */
export function dequantizeMicro({ inFeatures, outFeatures, format, codes, scaleCodes, factor }: MicroScaledWeight) {
  const { block, scales } = MICRO_FORMATS[format];
  const blocks = scaleCodes.length / outFeatures;
  return Float32Array.from({ length: inFeatures * outFeatures }, (_, at) => {
    const [i, out] = [Math.floor(at / outFeatures), at % outFeatures];
    const scale = Math.fround(scales[scaleCodes[out * blocks + Math.floor(i / block)]!]! * factor);
    return E2M1[codes[out * blocks * block + i]!]! * scale;
  });
}

/** The model in which each of these layers computes its weight from its codes, and whose float32 weights are gone. */
export function withMicroScaledLinears(
  model: Model,
  layers: readonly { readonly linear: LinearRole; readonly quantized: MicroScaledWeight }[],
): Model {
  let { onnx } = model;
  for (const { linear, quantized } of layers) {
    const { inFeatures, outFeatures, codes, scaleCodes, factor, format } = quantized;
    const { block } = MICRO_FORMATS[format];
    const blocks = scaleCodes.length / outFeatures;
    const integers = (...values: number[]) => tensorOf('int64', [values.length], BigInt64Array.from(values, BigInt));
    const names = {
      planes: `${linear.weight}.codes`,
      scales: `${linear.weight}.scale_codes`,
      factor: `${linear.weight}.factor`,
      shape: `micro_shape.${outFeatures}x${blocks}x${block}`,
      rows: `micro_rows.${outFeatures}`,
      inputs: `micro_inputs.${inFeatures}`,
    };
    const known = (name: string) => onnx.graph.initializers.has(name);
    const graph = addInitializers(onnx.graph, {
      [names.planes]: packBitPlanes(codes, { bits: 4, lanes: 1 }),
      [names.scales]: tensorOf('uint8', [outFeatures, blocks, 1], scaleCodes),
      [names.factor]: tensorOf('float32', [], Float32Array.of(factor)),
      ...(!known(names.shape) && { [names.shape]: integers(outFeatures, blocks, block) }),
      ...(!known(names.rows) && { [names.rows]: integers(outFeatures, -1) }),
      ...(!known(names.inputs) && { [names.inputs]: integers(inFeatures) }),
    });
    const body = decodeFunction(format);
    const made = `${linear.weight}.decoded`;
    const inputs = [names.planes, names.scales, names.factor, names.shape, names.rows, names.inputs];
    const replaced = replaceNode(graph, linear.node, [
      callNode(body.name, inputs, made),
      createNode({ op: 'MatMul', name: linear.node, inputs: [linear.input, made], outputs: [linear.output] }),
    ]);
    onnx = withFunction(onnx, replaced, body);
  }
  return model.withOnnx(withGraph(onnx, removeDeadCode(onnx.graph)));
}

function decodeFunction(format: MicroFormat): FunctionBody {
  const { scales } = MICRO_FORMATS[format];
  const integer = (value: number) => tensorOf('int64', [1], BigInt64Array.of(BigInt(value)));
  return {
    name: `Decode${format.toUpperCase()}`,
    inputs: ['planes', 'scale_codes', 'factor', 'shape', 'rows_shape', 'inputs'],
    outputs: ['weight'],
    nodes: [
      ...bitPlaneNodes({ bits: 4, lanes: 1 }),
      constantNode('start', integer(0)),
      constantNode('second_axis', integer(1)),
      constantNode('levels', tensorOf('float32', [16], E2M1)),
      constantNode('scale_levels', tensorOf('float32', [scales.length], scales)),
      bodyNode('ReduceProd', ['shape'], 'count', { keepdims: int(1) }),
      bodyNode('Slice', ['fields', 'start', 'count'], 'own_fields'),
      bodyNode('Reshape', ['own_fields', 'shape'], 'indices'),
      bodyNode('Gather', ['levels', 'indices'], 'numbers'),
      bodyNode('Cast', ['scale_codes'], 'scale_indices', { to: int(DTYPES.int32.code) }),
      bodyNode('Gather', ['scale_levels', 'scale_indices'], 'bare_scales'),
      bodyNode('Mul', ['bare_scales', 'factor'], 'scales'),
      bodyNode('Mul', ['numbers', 'scales'], 'blocks'),
      bodyNode('Reshape', ['blocks', 'rows_shape'], 'padded_rows'),
      bodyNode('Slice', ['padded_rows', 'start', 'inputs', 'second_axis'], 'rows'),
      bodyNode('Transpose', ['rows'], 'weight'),
    ],
  };
}
