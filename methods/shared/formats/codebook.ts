/**
 * A linear layer with a codebook: each weight is a code of few bits that indexes a small table of values.
 * The file holds codes as bit planes and tables in float16; the weight is computed when the file is loaded, so memory
 * and speed at run time are those of the dense layer.
 */
import { NumericalError } from '../../../contracts/errors.ts';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { int } from '../../../numerics/onnx/attributes.ts';
import { addInitializers, removeDeadCode, replaceNode, withGraph } from '../../../numerics/onnx/edit.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { DTYPES } from '../../../numerics/tensor/dtype.ts';
import { fromFloat16Bits, toFloat16Bits } from '../../../numerics/tensor/float16.ts';
import { rawTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { bitPlaneNodes, packBitPlanes } from './bit-planes.ts';
import { bodyNode, callNode, constantNode, type FunctionBody, withFunction } from './model-function.ts';

export interface CodebookWeight {
  readonly bits: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** One code per byte, [in, out]. */
  readonly codes: Uint8Array;
  /** Values that float16 holds: [2^bits] for the whole layer, or [2^bits, out]. */
  readonly book: Float32Array;
}

/** The nearest value that float16 holds. Throws NumericalError beyond its range. */
export function toFloat16(value: number): number {
  const nearest = fromFloat16Bits(toFloat16Bits(value));
  if (Number.isFinite(nearest)) return nearest;
  throw new NumericalError(`codebook: ${value} cannot be stored as float16, expected a magnitude of at most 65504`);
}

/** The float32 weight the codes stand for, [in, out]. */
export function lookUpWeight({ outFeatures, bits, codes, book }: CodebookWeight): Float32Array {
  const tables = book.length / 2 ** bits;
  return Float32Array.from(codes, (code, at) => book[code * tables + (tables === 1 ? 0 : at % outFeatures)]!);
}

/**
 * The model with each of these linear layers' weight replaced by codes and a table; their float32 weights are removed.
 */
export function withCodebooks(
  model: Model,
  layers: Iterable<{ readonly linear: LinearRole; readonly quantized: CodebookWeight }>,
): Model {
  let { onnx } = model;
  for (const { linear, quantized } of layers) {
    const { bits, inFeatures, outFeatures, codes, book } = quantized;
    const own = book.length > 2 ** bits;
    const names = {
      planes: `${linear.weight}.codes`,
      book: `${linear.weight}.book`,
      shape: `weight_shape.${inFeatures}x${outFeatures}`,
      weight: `${linear.weight}.looked_up`,
    };
    const halves = Uint16Array.from(book, toFloat16Bits);
    const graph = addInitializers(onnx.graph, {
      [names.planes]: packBitPlanes(codes, { bits, lanes: 1 }),
      [names.book]: rawTensor('float16', own ? [2 ** bits, outFeatures] : [2 ** bits], new Uint8Array(halves.buffer)),
      ...(!onnx.graph.initializers.has(names.shape) && {
        [names.shape]: tensorOf('int64', [2], BigInt64Array.of(BigInt(inFeatures), BigInt(outFeatures))),
      }),
    });
    const unpacking = lookUpFunction(bits, own);
    const replaced = replaceNode(graph, linear.node, [
      callNode(unpacking.name, [names.planes, names.book, names.shape], names.weight),
      createNode({ op: 'MatMul', name: linear.node, inputs: [linear.input, names.weight], outputs: [linear.output] }),
    ]);
    onnx = withFunction(onnx, replaced, unpacking);
  }
  return model.withOnnx(withGraph(onnx, removeDeadCode(onnx.graph)));
}

/** weight[i, o] = book[codes[i, o]], or book[codes[i, o], o] where each output has its own table. */
function lookUpFunction(bits: number, own: boolean): FunctionBody {
  return {
    name: own ? `LookUpPerOutput${bits}` : `LookUp${bits}`,
    inputs: ['planes', 'book', 'shape'],
    outputs: ['weight'],
    nodes: [
      ...bitPlaneNodes({ bits, lanes: 1 }),
      constantNode('start', tensorOf('int64', [1], BigInt64Array.of(0n))),
      bodyNode('ReduceProd', ['shape'], 'count', { keepdims: int(1) }),
      bodyNode('Slice', ['fields', 'start', 'count'], 'codes'),
      bodyNode('Reshape', ['codes', 'shape'], 'indices'),
      bodyNode('Cast', ['book'], 'values', { to: int(DTYPES.float32.code) }),
      own
        ? bodyNode('GatherElements', ['values', 'indices'], 'weight', { axis: int(0) })
        : bodyNode('Gather', ['values', 'indices'], 'weight', { axis: int(0) }),
    ],
  };
}
