/**
 * Integer arithmetic with activation ranges fixed beforehand, written as QuantizeLinear and DequantizeLinear around
 * MatMul.
 * onnxruntime fuses them to QuantizeLinear and MatMulIntegerToFloat, or to QLinearMatMul where the output has a grid
 * too.
 * https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
 */
import type { Range } from '../../../engine/calibrate/activation-ranges.ts';
import { InputError } from '../../../contracts/errors.ts';
import type { LinearRole } from '../../../engine/definitions/model.ts';
import { int } from '../../../numerics/onnx/attributes.ts';
import { addInitializers, removeDeadCode, replaceNode } from '../../../numerics/onnx/edit.ts';
import type { Graph } from '../../../numerics/onnx/graph.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { gridOfActivations, withRoundedActivation } from './activation-grid.ts';
import type { Int8Weight } from './int8-weight.ts';

/**
 * The graph with these layers computed from 8-bit activations and weights. Inputs, and outputs that have a range, are rounded
 * to the grid of their range. Throws InputError where an input has none.
 */
export function withStaticIntegers(
  graph: Graph,
  layers: readonly { readonly linear: LinearRole; readonly weight: Int8Weight }[],
  ranges: ReadonlyMap<string, Range>,
): Graph {
  let edited = graph;
  for (const { linear, weight } of layers) edited = withDequantizedWeight(edited, linear, weight);
  for (const [value, nodes] of Map.groupBy(layers, ({ linear }) => linear.input)) {
    const range = ranges.get(value);
    if (range === undefined) throw new InputError(`static quantization: no range was calibrated for "${value}"`);
    const readers = new Set(nodes.map(({ linear }) => linear.node));
    edited = withRoundedActivation(edited, { value, grid: gridOfActivations(range, 8), readers });
  }
  for (const { linear } of layers) {
    const range = ranges.get(linear.output);
    if (range !== undefined) {
      edited = withRoundedActivation(edited, { value: linear.output, grid: gridOfActivations(range, 8) });
    }
  }
  return removeDeadCode(edited);
}

function withDequantizedWeight(graph: Graph, linear: LinearRole, { codes, scales }: Int8Weight): Graph {
  const { node, input, output, inFeatures, outFeatures } = linear;
  const names = { codes: `${linear.weight}.codes`, scale: `${linear.weight}.scale` };
  const dequantized = `${linear.weight}.dequantized`;
  const stored = addInitializers(graph, {
    [names.codes]: tensorOf('int8', [inFeatures, outFeatures], codes),
    [names.scale]: tensorOf('float32', scales.length === 1 ? [] : [outFeatures], scales),
  });
  return replaceNode(stored, node, [
    createNode({
      op: 'DequantizeLinear',
      name: dequantized,
      inputs: [names.codes, names.scale],
      outputs: [dequantized],
      attributes: { axis: int(1) },
    }),
    createNode({ op: 'MatMul', name: node, inputs: [input, dequantized], outputs: [output] }),
  ]);
}
