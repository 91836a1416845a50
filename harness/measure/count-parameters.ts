/**
 * Parameters of a model file and how many are not zero. A parameter is an element of a float initializer with more
 * than one element, or one code of a quantized weight; shapes, indices, other integers, single
 * numbers, scales and zero points are not counted. Tables kept as floats (rotary angles, masks) cannot be told from weights and
 * count, in the artifact as in dense.
 */
import type { Node, OnnxModel, SparseTensor } from '../../numerics/onnx/graph.ts';
import { DTYPES } from '../../numerics/tensor/dtype.ts';
import { elementCount, elements, type NumericTensor, type Tensor } from '../../numerics/tensor/tensor.ts';
import { allNodes, subgraphs } from './operators.ts';
import { countCodes, type ParameterCount, useOfInput } from './quantized-weights.ts';

const NONE: ParameterCount = { parameters: 0, nonZero: 0 };

/** Counts initializers and Constant nodes, subgraphs included; `leaveOut` names initializers not to count. */
export function countParameters(model: OnnxModel, leaveOut: ReadonlySet<string> = new Set()): ParameterCount {
  const nodes = [...allNodes(model.graph.nodes)];
  const graphs = [model.graph, ...nodes.flatMap(subgraphs)];
  const tensors = new Map(graphs.flatMap((graph) => [...graph.initializers]));
  for (const node of nodes) {
    const value = node.op === 'Constant' ? node.attributes.get('value') : undefined;
    if (value?.type === 'tensor') tensors.set(node.outputs[0] ?? '', value.value);
  }
  const readers = new Map<string, { node: Node; position: number }[]>();
  for (const node of nodes) {
    node.inputs.forEach((name, position) => {
      if (!tensors.has(name)) return;
      const list = readers.get(name) ?? [];
      list.push({ node, position });
      readers.set(name, list);
    });
  }
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const counts: ParameterCount[] = [];
  for (const [name, tensor] of tensors) {
    if (leaveOut.has(name) || tensor.dtype === 'string') continue;
    const uses = readers.get(name) ?? [];
    const codesReader = uses.find(({ node, position }) => useOfInput(node, position) === 'codes');
    if (codesReader !== undefined) counts.push(countCodes(codesReader.node, tensor, (other) => tensors.get(other)));
    else if (!uses.some((use) => isGrid(use.node, use.position, makers))) counts.push(countPlain(tensor));
  }
  for (const sparse of graphs.flatMap((graph) => graph.sparseInitializers)) {
    if (!leaveOut.has(sparse.name)) counts.push(countSparse(sparse));
  }
  return counts.reduce((a, b) => ({ parameters: a.parameters + b.parameters, nonZero: a.nonZero + b.nonZero }), NONE);
}

/** Whether a node uses an initializer as scale or zero point: by input position, or in a Mul after integer arithmetic. */
function isGrid(node: Node, position: number, makers: ReadonlyMap<string, Node>): boolean {
  if (useOfInput(node, position) === 'grid') return true;
  if (node.op !== 'Mul') return false;
  let source = makers.get(node.inputs[1 - position] ?? '');
  if (source?.op === 'DynamicQuantizeLinear') return node.inputs[1 - position] === source.outputs[1];
  if (source?.op === 'Cast') source = makers.get(source.inputs[0] ?? '');
  return source?.op === 'MatMulInteger';
}

/** Small integers count as quantized codes: a signed code of 0 is zero; an unsigned one has an unknown zero point. */
function countPlain(tensor: NumericTensor): ParameterCount {
  const parameters = elementCount(tensor.dims);
  if (parameters === 1) return NONE;
  if (tensor.dtype.startsWith('float') || tensor.dtype === 'bfloat16') {
    return { parameters, nonZero: countNonZero(tensor, true) };
  }
  if (['int8', 'int4', 'int2'].includes(tensor.dtype)) return { parameters, nonZero: countNonZero(tensor, false) };
  if (['uint8', 'uint4', 'uint2'].includes(tensor.dtype)) return { parameters, nonZero: parameters };
  return NONE;
}

function countSparse({ dims, values }: SparseTensor): ParameterCount {
  const isFloat = (tensor: Tensor): tensor is NumericTensor =>
    tensor.dtype.startsWith('float') || tensor.dtype === 'bfloat16';
  return isFloat(values) ? { parameters: elementCount(dims), nonZero: countNonZero(values, true) } : NONE;
}

/** Number of elements with a non-zero bit, ignoring the sign bit of floats. */
function countNonZero(tensor: NumericTensor, signed: boolean): number {
  const { bits } = DTYPES[tensor.dtype];
  const count = elementCount(tensor.dims);
  let nonZero = 0;
  if (tensor.dtype === 'float32') {
    for (const value of elements(tensor, 'float32')) if (value !== 0) nonZero++;
    return nonZero;
  }
  if (bits < 8) {
    const mask = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
    for (let i = 0; i < count; i++) {
      const at = i * bits;
      if ((tensor.bytes[at >> 3]! >> (at & 7)) & mask) nonZero++;
    }
    return nonZero;
  }
  const width = bits / 8;
  for (let i = 0; i < count; i++) {
    let any = 0;
    for (let b = 0; b < width; b++) {
      const byte = tensor.bytes[i * width + b]!;
      any |= signed && b === width - 1 ? byte & 0x7f : byte;
    }
    if (any !== 0) nonZero++;
  }
  return nonZero;
}
