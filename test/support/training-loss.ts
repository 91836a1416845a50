/** A model with the mean cross-entropy of its last output's axis as its loss, for tests of gradients. */
import { int } from '../../numerics/onnx/attributes.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { elementCount, tensorOf } from '../../numerics/tensor/tensor.ts';

/** Input `labels`: int64, one per row of `logits`; output `loss`. The model's own outputs are gone. */
export function withCrossEntropy(
  model: OnnxModel,
  { logits, dims }: { readonly logits: string; readonly dims: readonly number[] },
): OnnxModel {
  const { graph } = model;
  const rows = elementCount(dims.slice(0, -1));
  const shape = tensorOf('int64', [2], BigInt64Array.of(BigInt(rows), BigInt(dims.at(-1) as number)));
  const nodes = [
    ...graph.nodes,
    createNode({
      op: 'Reshape',
      name: 'loss.rows',
      inputs: [logits, 'loss.shape'],
      outputs: ['loss.rows'],
      attributes: { allowzero: int(0) },
    }),
    createNode({ op: 'SoftmaxCrossEntropyLoss', name: 'loss', inputs: ['loss.rows', 'labels'], outputs: ['loss'] }),
  ];
  return {
    ...model,
    graph: {
      ...graph,
      nodes,
      initializers: new Map(graph.initializers).set('loss.shape', shape),
      inputs: [...graph.inputs, { name: 'labels', type: { kind: 'tensor', dtype: 'int64', dims: [rows] } }],
      outputs: [{ name: 'loss', type: { kind: 'tensor', dtype: 'float32', dims: [] } }],
    },
  };
}
