/**
 * Replaces operators for which a device's provider has no kernel by operators it has: the same function, with sums in
 * the same order.
 * Kernels of onnxruntime 1.30:
 * https://github.com/microsoft/onnxruntime/blob/v1.30.0/onnxruntime/core/providers/webgpu/webgpu_execution_provider.cc
 */
import { present } from '../../contracts/present.ts';
import type { Provider } from '../../contracts/runner.ts';
import { intAttribute, stringAttribute } from '../../numerics/onnx/attributes.ts';
import type { Node, OnnxModel } from '../../numerics/onnx/graph.ts';
import { renameValues } from '../../numerics/onnx/names.ts';
import { elements } from '../../numerics/tensor/tensor.ts';
import { extendModel, type GraphWriter, sortNodes } from './graph-writer.ts';

/** Adds the replacement of a node and returns a value per output, or returns undefined to keep the node. */
type Lowering = (w: GraphWriter, node: Node) => readonly string[] | undefined;

/**
 * Outputs of a shader besides its one input: WebGPU guarantees eight storage buffers,
 * https://www.w3.org/TR/webgpu/#limits
 */
const MOST_PARTS = 7;

/** By provider, by operator of the standard domain. */
const LOWERINGS: Readonly<Record<Provider, Readonly<Record<string, Lowering>>>> = {
  cpu: {},
  // Has all kernels according to https://github.com/microsoft/onnxruntime/blob/v1.30.0/docs/OperatorKernels.md; not
  // tested.
  cuda: {},
  webgpu: {
    LogSoftmax: (w, node) => [logSoftmax(w, present(node.inputs[0], 'node.inputs[0]'), intAttribute(node, 'axis', -1))],
    Round: (w, { inputs: [x = ''] }) => [roundHalfToEven(w, x)],
    Sign: (w, { inputs: [x = ''] }) => [
      w.where(w.greater(x, w.scalar(0)), w.scalar(1), w.where(w.less(x, w.scalar(0)), w.scalar(-1), x)),
    ],
    SoftmaxCrossEntropyLoss: crossEntropy,
    Split: slices,
    Sum: (w, { inputs }) => [
      inputs.length === 1
        ? w.identity(present(inputs[0], 'inputs[0]'))
        : inputs.slice(1).reduce((sum, term) => w.add(sum, term), present(inputs[0], 'inputs[0]')),
    ],
  },
};

/** Whether the provider lacks onnxruntime's fused product with transposed matrices; gradients then do without it. */
export const lacksFusedProducts = (provider: Provider): boolean => provider === 'webgpu';

/** Returns the model itself where nothing needs replacing. Nodes inside functions and subgraphs are not changed. */
export function lowerForDevice(model: OnnxModel, provider: Provider): OnnxModel {
  const lowerings = LOWERINGS[provider];
  const w = extendModel(model, 'device/');
  const made = new Map<string, string>();
  const replaced = new Set<Node>();
  for (const node of model.graph.nodes) {
    const values = node.domain === '' ? lowerings[node.op]?.(w, node) : undefined;
    if (values === undefined) continue;
    replaced.add(node);
    for (const [index, value] of values.entries()) if (node.outputs[index]) made.set(value, node.outputs[index]);
  }
  if (replaced.size === 0) return model;
  const extended = w.finish();
  const kept = extended.graph.nodes.filter((node) => !replaced.has(node));
  const graph = renameValues({ ...extended.graph, nodes: kept }, (name) => made.get(name) ?? name);
  return { ...extended, graph: { ...graph, nodes: sortNodes(graph.nodes) } };
}

/** x - m - ln Σ exp(x - m), with m the maximum along the axis. */
function logSoftmax(w: GraphWriter, x: string, axis: number): string {
  const shifted = w.sub(x, w.reduceMax(x, { axes: [axis] }));
  return w.sub(shifted, w.log(w.reduceSum(w.exp(shifted), { axes: [axis] })));
}

/** f + 1 where x - f > ½, or equals ½ and f is odd, with f = ⌊x⌋: exact, however a device rounds sums. */
function roundHalfToEven(w: GraphWriter, x: string): string {
  const low = w.floor(x);
  const above = w.sub(x, low);
  const half = w.mul(low, w.scalar(0.5));
  // ½ where f is odd, else 0; its product with ½ is ¼, and with no other number below 1.
  const odd = w.sub(half, w.floor(half));
  const past = w.cast(w.greater(above, w.scalar(0.5)), { to: 'float32' });
  const tied = w.cast(w.equal(w.mul(above, odd), w.scalar(0.25)), { to: 'float32' });
  return w.add(low, w.add(past, tied));
}

/** As engine/training/loss.ts writes it: one loss per label, none ignored. */
function crossEntropy(w: GraphWriter, node: Node): readonly string[] | undefined {
  const [scores = '', labels = '', weights = ''] = node.inputs;
  if (weights !== '' || node.attributes.has('ignore_index') || stringAttribute(node, 'reduction', 'mean') !== 'none') {
    return undefined;
  }
  const logarithms = logSoftmax(w, scores, 1);
  const own = w.gatherElements(logarithms, w.unsqueeze(labels, [1]), { axis: 1 });
  return [w.neg(w.squeeze(own, [1])), logarithms].slice(0, node.outputs.length);
}

/** A Split into many parts writes more buffers than a shader may have. */
function slices(w: GraphWriter, node: Node): readonly string[] | undefined {
  const [x = '', sizes = ''] = node.inputs;
  if (node.outputs.length <= MOST_PARTS || !w.has(sizes)) return undefined;
  const axis = intAttribute(node, 'axis', 0);
  let start = 0;
  return Array.from(elements(w.tensor(sizes), 'int64'), (size) => {
    const [from, to] = [start, start + Number(size)];
    start = to;
    return w.slice(x, { starts: [from], ends: [to], axes: [axis] });
  });
}
