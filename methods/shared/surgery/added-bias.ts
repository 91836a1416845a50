/** Adds a constant to the output of a linear layer: to its bias if it has one, otherwise as a new bias. */
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { addInitializers, replaceNode, withGraph } from '../../../numerics/onnx/edit.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { biasOf, mapLinears, restructured, withFloats } from './structure.ts';

export interface AddedBias {
  readonly linear: LinearRole;
  /** [out] */
  readonly bias: Float32Array;
}

/** The roles of the returned model name the new biases. */
export function withAddedBiases(model: Model, added: readonly AddedBias[]): Model {
  let { graph } = model.onnx;
  const changed = new Map<string, LinearRole>();
  for (const { linear, bias } of added) {
    const { node, input, output, outFeatures } = linear;
    if (linear.bias !== undefined) {
      const sum = biasOf(model, linear).map((value, at) => value + bias[at]!);
      graph = withFloats(graph, linear.bias, [outFeatures], sum);
      continue;
    }
    const names = { bias: `${linear.weight}.bias`, alone: `${output}.unbiased` };
    graph = addInitializers(graph, { [names.bias]: tensorOf('float32', [outFeatures], bias) });
    graph = replaceNode(graph, node, [
      createNode({ op: 'MatMul', name: node, inputs: [input, linear.weight], outputs: [names.alone] }),
      createNode({ op: 'Add', name: `${node}.biased`, inputs: [names.alone, names.bias], outputs: [output] }),
    ]);
    changed.set(linear.role, { ...linear, output: names.alone, bias: names.bias });
  }
  const layers = model.roles.layers.map((layer) => mapLinears(layer, (linear) => changed.get(linear.role) ?? linear));
  return restructured(model, withGraph(model.onnx, graph), layers);
}
