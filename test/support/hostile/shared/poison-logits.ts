/** The model with a number added to its logits that takes some work to compute: what a graph can do to whoever runs it. */
import type { Model } from '../../../../engine/definitions/model.ts';
import type { Node, OnnxTensor } from '../../../../numerics/onnx/graph.ts';
import { createNode } from '../../../../numerics/onnx/node.ts';

/** @param poison nodes of which the last gives a float32 scalar, and the initializers they read. */
export function poisonLogits(
  model: Model,
  poison: { readonly nodes: readonly Node[]; readonly initializers: Readonly<Record<string, OnnxTensor>> },
): Model {
  const { onnx } = model;
  const scalar = poison.nodes.at(-1)?.outputs[0] ?? '';
  const nodes = onnx.graph.nodes.map((node) => ({
    ...node,
    outputs: node.outputs.map((name) => (name === 'logits' ? 'honest_logits' : name)),
    inputs: node.inputs.map((name) => (name === 'logits' ? 'honest_logits' : name)),
  }));
  const sum = createNode({ op: 'Add', name: 'poisoned', inputs: ['honest_logits', scalar], outputs: ['logits'] });
  return model.withOnnx({
    ...onnx,
    graph: {
      ...onnx.graph,
      nodes: [...nodes, ...poison.nodes, sum],
      initializers: new Map([...onnx.graph.initializers, ...Object.entries(poison.initializers)]),
    },
  });
}
