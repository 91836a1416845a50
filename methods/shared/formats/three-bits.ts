/**
 * Codes of 3 bits for MatMulNBits, whose kernels support 2, 4 and 8. They take 3 bits in the file; when it is loaded, 4
 * is added to each, which makes 4-bit codes and moves zero from code 4 to the operator's default zero point 8. So the
 * file has the size of 3 bits; resident memory and speed are those of 4.
 */
import { int } from '../../../numerics/onnx/attributes.ts';
import { addInitializers } from '../../../numerics/onnx/edit.ts';
import type { Graph, Node, OnnxModel } from '../../../numerics/onnx/graph.ts';
import { DTYPES } from '../../../numerics/tensor/dtype.ts';
import { type NumericTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { bitPlaneNodes, packBitPlanes, type PlaneLayout } from './bit-planes.ts';
import { bodyNode, callNode, constantNode, withFunction } from './model-function.ts';

/** Two 4-bit codes per byte. */
const LAYOUT: PlaneLayout = { bits: 3, lanes: 2 };
const FUNCTION = 'UnpackThreeBits';

/** codes: one per byte, as many as the operator expects, padding included. */
export function packThreeBits(codes: Uint8Array): NumericTensor {
  return packBitPlanes(codes, LAYOUT);
}

/**
 * The node that computes the operator's uint8 codes of these dimensions, and the graph with their shape as an
 * initializer.
 */
export function unpackThreeBitsNode(
  graph: Graph,
  { planes, dims }: { readonly planes: string; readonly dims: readonly number[] },
): { readonly graph: Graph; readonly node: Node; readonly codes: string } {
  const shape = `codes_shape.${dims.join('x')}`;
  const codes = `${planes}.unpacked`;
  const node = callNode(FUNCTION, [planes, shape], codes);
  if (graph.initializers.has(shape)) return { graph, node, codes };
  const tensor = tensorOf('int64', [dims.length], BigInt64Array.from(dims, BigInt));
  return { graph: addInitializers(graph, { [shape]: tensor }), node, codes };
}

/** The model with this graph, which may contain such nodes. */
export function withThreeBits(model: OnnxModel, graph: Graph): OnnxModel {
  return withFunction(model, graph, {
    name: FUNCTION,
    inputs: ['planes', 'shape'],
    outputs: ['codes'],
    nodes: [
      ...bitPlaneNodes(LAYOUT),
      constantNode('middle', tensorOf('int32', [], Int32Array.of(0x44))),
      bodyNode('Add', ['fields', 'middle'], 'centred'),
      bodyNode('Cast', ['centred'], 'bytes', { to: int(DTYPES.uint8.code) }),
      bodyNode('Reshape', ['bytes', 'shape'], 'codes'),
    ],
  });
}
