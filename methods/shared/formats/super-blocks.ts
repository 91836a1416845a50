/**
 * Weights for MatMulNBits whose scales, and minima, are stored in few bits: a code for each block, and one float16
 * factor for several blocks of an output. They are multiplied out when the file is loaded. The format of llama.cpp's
 * K-quants, https://github.com/ggml-org/llama.cpp/blob/master/ggml/src/ggml-common.h, except that a super-block may
 * hold fewer blocks where the blocks of an output are not a multiple of eight or sixteen.
 */
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { int } from '../../../numerics/onnx/attributes.ts';
import { addInitializers, insertNodes, withGraph } from '../../../numerics/onnx/edit.ts';
import type { Graph } from '../../../numerics/onnx/graph.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { DTYPES } from '../../../numerics/tensor/dtype.ts';
import { toFloat16Bits } from '../../../numerics/tensor/float16.ts';
import { rawTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { bitPlaneNodes, packBitPlanes } from './bit-planes.ts';
import { type Activations, type QuantizedWeight, withQuantizedLinears } from './matmul-nbits.ts';
import { bodyNode, callNode, constantNode, type FunctionBody, withFunction } from './model-function.ts';

/** factor · (code − middle) for each block; the middle is 2^(bits − 1) for signed codes and 0 for unsigned ones. */
export interface CodedBlocks {
  readonly bits: number;
  readonly signed: boolean;
  /** [out, blocks] */
  readonly codes: Uint8Array;
  /** Values that float16 holds, [out, super-blocks]. */
  readonly factors: Float32Array;
}

export interface SuperBlockWeight {
  /** The scales of the weight equal `scales`, its zero points `mins` / `scales`. */
  readonly quantized: QuantizedWeight;
  readonly scales: CodedBlocks;
  /** Absent on a grid around zero. */
  readonly mins?: CodedBlocks;
}

/** Blocks of an output that share a factor: the largest divisor of their number up to a maximum. */
export function blocksTogether(blocks: number, most: number): number {
  for (let count = Math.min(most, blocks); count > 1; count--) if (blocks % count === 0) return count;
  return 1;
}

/** The numbers that codes and factors represent, [out, blocks]. */
export function decodeBlocks({ bits, signed, codes, factors }: CodedBlocks): Float32Array {
  const together = codes.length / factors.length;
  const middle = signed ? 2 ** (bits - 1) : 0;
  return Float32Array.from(codes, (code, at) => factors[Math.floor(at / together)]! * (code - middle));
}

/** The model with these layers quantized; scales and zero points are computed when the file is loaded. */
export function withSuperBlocks(
  model: Model,
  layers: readonly { readonly linear: LinearRole; readonly weight: SuperBlockWeight }[],
  { activations }: { readonly activations: Activations },
): Model {
  const quantized = layers.map(({ linear, weight }) => ({ linear, quantized: weight.quantized }));
  const smaller = withQuantizedLinears(model, quantized, { activations });
  let { onnx } = smaller;
  for (const { linear, weight } of layers) {
    const names = {
      scales: `${linear.weight}.scales`,
      mins: `${linear.weight}.mins`,
      points: `${linear.weight}.zero_points`,
    };
    const initializers = new Map(onnx.graph.initializers);
    initializers.delete(names.scales);
    initializers.delete(names.points);
    let graph: Graph = { ...onnx.graph, initializers };
    const parts = [
      { name: names.scales, of: weight.scales },
      ...(weight.mins ? [{ name: names.mins, of: weight.mins }] : []),
    ];
    for (const { name, of } of parts) {
      const { outFeatures } = linear;
      const [blocks, supers] = [of.codes.length / outFeatures, of.factors.length / outFeatures];
      const shape = `blocks_shape.${outFeatures}x${supers}x${blocks / supers}`;
      const flat = `blocks_shape.${outFeatures}x${blocks}`;
      const integers = (...values: number[]) => tensorOf('int64', [values.length], BigInt64Array.from(values, BigInt));
      graph = addInitializers(graph, {
        [`${name}.codes`]: packBitPlanes(of.codes, { bits: of.bits, lanes: 1 }),
        [`${name}.factors`]: rawTensor(
          'float16',
          [outFeatures, supers, 1],
          new Uint8Array(Uint16Array.from(of.factors, toFloat16Bits).buffer),
        ),
        ...(!graph.initializers.has(shape) && { [shape]: integers(outFeatures, supers, blocks / supers) }),
        ...(!graph.initializers.has(flat) && { [flat]: integers(outFeatures, blocks) }),
      });
      const body = decodeFunction(of);
      const inputs = [`${name}.codes`, `${name}.factors`, shape, flat];
      graph = insertNodes(graph, [callNode(body.name, inputs, name)], { before: linear.node });
      onnx = withFunction(onnx, graph, body);
    }
    if (weight.mins) {
      const divide = createNode({
        op: 'Div',
        name: names.points,
        inputs: [names.mins, names.scales],
        outputs: [names.points],
      });
      onnx = withGraph(onnx, insertNodes(graph, [divide], { before: linear.node }));
    }
  }
  return smaller.withOnnx(onnx);
}

function decodeFunction({ bits, signed }: CodedBlocks): FunctionBody {
  return {
    name: `DecodeBlocks${bits}${signed ? 'Signed' : ''}`,
    inputs: ['planes', 'factors', 'shape', 'flat_shape'],
    outputs: ['values'],
    nodes: [
      ...bitPlaneNodes({ bits, lanes: 1 }),
      constantNode('start', tensorOf('int64', [1], BigInt64Array.of(0n))),
      constantNode('middle', tensorOf('float32', [], Float32Array.of(signed ? 2 ** (bits - 1) : 0))),
      bodyNode('ReduceProd', ['shape'], 'count', { keepdims: int(1) }),
      bodyNode('Slice', ['fields', 'start', 'count'], 'codes'),
      bodyNode('Cast', ['codes'], 'numbers', { to: int(DTYPES.float32.code) }),
      bodyNode('Sub', ['numbers', 'middle'], 'centred'),
      bodyNode('Reshape', ['centred', 'shape'], 'blocks'),
      bodyNode('Cast', ['factors'], 'multipliers', { to: int(DTYPES.float32.code) }),
      bodyNode('Mul', ['blocks', 'multipliers'], 'products'),
      bodyNode('Reshape', ['products', 'flat_shape'], 'values'),
    ],
  };
}
