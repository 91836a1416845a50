/**
 * Integer arithmetic with activation ranges computed at run time: DynamicQuantizeLinear and MatMulInteger, which
 * onnxruntime fuses to DynamicQuantizeMatMul. https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html
 */
import type { LinearRole } from '../../../engine/definitions/model.ts';
import { int } from '../../../numerics/onnx/attributes.ts';
import { addInitializers, insertNodes, removeDeadCode, replaceNode } from '../../../numerics/onnx/edit.ts';
import type { Graph, Node } from '../../../numerics/onnx/graph.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { DTYPES } from '../../../numerics/tensor/dtype.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import type { Int8Weight } from './int8-weight.ts';

/**
 * The graph with these MatMuls replaced by integer arithmetic; layers that read the same value share its quantization.
 */
export function withIntegerMatMuls(
  graph: Graph,
  layers: readonly { readonly linear: LinearRole; readonly weight: Int8Weight }[],
): Graph {
  let edited = graph;
  for (const input of new Set(layers.map(({ linear }) => linear.input))) {
    const readers = new Set(layers.filter(({ linear }) => linear.input === input).map(({ linear }) => linear.node));
    const first = graph.nodes.find((node) => readers.has(node.name));
    if (first !== undefined) edited = insertNodes(edited, [quantizeInput(input)], { before: first.name });
  }
  for (const { linear, weight } of layers) edited = withIntegerMatMul(edited, linear, weight);
  return removeDeadCode(edited);
}

/** Creates `….codes`, `….scale` and `….zero_point` of a value. */
export function quantizeInput(input: string): Node {
  return createNode({
    op: 'DynamicQuantizeLinear',
    name: `${input}.quantize`,
    inputs: [input],
    outputs: [`${input}.codes`, `${input}.scale`, `${input}.zero_point`],
  });
}

function withIntegerMatMul(graph: Graph, linear: LinearRole, { codes, scales }: Int8Weight): Graph {
  const { weight, inFeatures, outFeatures } = linear;
  const names = { ...linear, codes: `${weight}.codes`, scale: `${weight}.scale` };
  const stored = addInitializers(graph, {
    [names.codes]: tensorOf('int8', [inFeatures, outFeatures], codes),
    [names.scale]: tensorOf('float32', scales.length === 1 ? [] : [outFeatures], scales),
  });
  return replaceNode(stored, linear.node, integerMatMul(names));
}

/** output = (input codes · weight codes) · input scale · weight scale */
export function integerMatMul(names: {
  readonly node: string;
  readonly input: string;
  readonly output: string;
  readonly codes: string;
  readonly scale: string;
}): Node[] {
  const { node, input, output, codes, scale } = names;
  return [
    createNode({
      op: 'MatMulInteger',
      name: `${node}.integer`,
      inputs: [`${input}.codes`, codes, `${input}.zero_point`],
      outputs: [`${output}.sums`],
    }),
    createNode({
      op: 'Cast',
      name: `${node}.cast`,
      inputs: [`${output}.sums`],
      outputs: [`${output}.float_sums`],
      attributes: { to: int(DTYPES.float32.code) },
    }),
    createNode({ op: 'Mul', name: `${node}.scale`, inputs: [`${input}.scale`, scale], outputs: [`${output}.scale`] }),
    createNode({ op: 'Mul', name: node, inputs: [`${output}.float_sums`, `${output}.scale`], outputs: [output] }),
  ];
}
