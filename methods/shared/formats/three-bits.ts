/**
 * Codes of 3 bits for MatMulNBits, whose kernels have 2, 4 and 8. In the file they take 3 bits; when it is loaded they become
 * 4-bit codes four higher, which moves zero from code 4 to the code 8 that the operator takes for it. So the file is that of
 * 3 bits, resident memory and speed are those of 4.
 */
import { int } from '../../../numerics/onnx/attributes.ts';
import { addInitializers } from '../../../numerics/onnx/edit.ts';
import type { Graph, Node, OnnxModel } from '../../../numerics/onnx/graph.ts';
import { DTYPES } from '../../../numerics/tensor/dtype.ts';
import { type NumericTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { bitPlaneNodes, packBitPlanes, type PlaneLayout } from './bit-planes.ts';
import { bodyNode, callNode, constantNode, withFunction } from './model-function.ts';

/** Two codes of 4 bits in a byte. */
const LAYOUT: PlaneLayout = { bits: 3, lanes: 2 };
const FUNCTION = 'UnpackThreeBits';

/** codes: one per byte, as many as the operator wants, padding included. */
export function packThreeBits(codes: Uint8Array): NumericTensor {
  return packBitPlanes(codes, LAYOUT);
}

/** The node that makes the operator's uint8 codes of these dimensions, and the graph with their shape in it. */
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

/** The model with this graph, which may hold such nodes. */
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
