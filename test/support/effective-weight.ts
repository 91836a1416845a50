/** The float32 matrix that a compressed linear layer stands for, read back from its graph. */
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import { intAttribute } from '../../numerics/onnx/attributes.ts';
import { findNode } from '../../numerics/onnx/edit.ts';
import type { Graph, Node } from '../../numerics/onnx/graph.ts';
import { multiply } from '../../numerics/tensor/linear-algebra.ts';
import { elements, type Tensor } from '../../numerics/tensor/tensor.ts';

/** [in, out]: of a MatMul, of two MatMuls in a row, or of a MatMulNBits under the layer's node name. */
export function effectiveWeight(compressed: Model, linear: LinearRole): Float32Array {
  const { graph } = compressed.onnx;
  const node = findNode(graph, linear.node);
  if (node.op === 'MatMulNBits') return unpack(graph, node);
  if (node.op !== 'MatMul') throw new Error(`${linear.role}: no way to read back the weight of a ${node.op}`);
  const right = elements(initializer(graph, node.inputs[1]!), 'float32');
  if (node.inputs[0] === linear.input) return right;
  const first = graph.nodes.find(({ outputs }) => outputs.includes(node.inputs[0]!));
  if (first?.op !== 'MatMul') throw new Error(`${linear.role}: input made by ${first?.op}, expected a MatMul`);
  const left = elements(initializer(graph, first.inputs[1]!), 'float32');
  const { inFeatures: rows, outFeatures: columns } = linear;
  const inner = left.length / rows;
  return Float32Array.from(
    multiply({ left: Float64Array.from(left), right: Float64Array.from(right), rows, inner, columns }),
  );
}

function initializer(graph: Graph, name: string): Tensor {
  const tensor = graph.initializers.get(name);
  if (tensor === undefined) throw new Error(`no initializer ${name}`);
  return tensor;
}

/** As the operator's specification has it, written apart from the packing in methods/shared/formats. */
function unpack(graph: Graph, node: Node): Float32Array {
  const [inFeatures, outFeatures, bits, blockSize] = ['K', 'N', 'bits', 'block_size'].map((name) =>
    intAttribute(node, name),
  );
  const codes = packedCodes(graph, node.inputs[1]!);
  const scales = elements(initializer(graph, node.inputs[2]!), 'float32');
  const zeroPoints = node.inputs[3] === undefined ? undefined : elements(initializer(graph, node.inputs[3]), 'uint8');
  const blocks = Math.ceil(inFeatures! / blockSize!);
  const field = (bytes: Uint8Array, rowBytes: number, row: number, at: number) =>
    (bytes[row * rowBytes + Math.floor((at * bits!) / 8)]! >> ((at * bits!) % 8)) & (2 ** bits! - 1);
  const weight = new Float32Array(inFeatures! * outFeatures!);
  for (let out = 0; out < outFeatures!; out++) {
    for (let i = 0; i < inFeatures!; i++) {
      const block = Math.floor(i / blockSize!);
      const zeroPoint =
        zeroPoints === undefined ? 2 ** (bits! - 1) : field(zeroPoints, Math.ceil((blocks * bits!) / 8), out, block);
      const code = field(codes, (blocks * blockSize! * bits!) / 8, out, i);
      weight[i * outFeatures! + out] = (code - zeroPoint) * scales[out * blocks + block]!;
    }
  }
  return weight;
}

/** The operator's codes, from the three planes of bits that the file holds them in where it does. */
function packedCodes(graph: Graph, name: string): Uint8Array {
  const unpacking = graph.nodes.find(({ outputs }) => outputs.includes(name));
  const stored = initializer(graph, unpacking?.inputs[0] ?? name);
  const bytes = elements(stored, 'uint8');
  if (unpacking === undefined) return bytes;
  const perPlane = bytes.length / 6;
  const code = (byte: number, lane: number) =>
    [0, 1, 2].reduce((sum, k) => sum + (((bytes[(2 * k + lane) * perPlane + (byte >> 3)]! >> (byte & 7)) & 1) << k), 4);
  return Uint8Array.from({ length: 8 * perPlane }, (_, byte) => code(byte, 0) | (code(byte, 1) << 4));
}
