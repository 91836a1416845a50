/** Several batches per step: an inner Loop over the graph of one batch, or several copies of that graph. */
import { present } from '../../contracts/present.ts';
import { graph as graphAttribute } from '../../numerics/onnx/attributes.ts';
import { createGraphBuilder } from '../../numerics/onnx/builder.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { renameValues } from '../../numerics/onnx/names.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import { extendModel } from './graph-writer.ts';
import { loopBody, tensorInfo } from './loop-body.ts';
import type { Feed } from './loss-graph.ts';
import { gradientName, type SlotLayout, stateName } from './slots.ts';

interface Accumulated {
  readonly layout: SlotLayout;
  /** Number of batches. */
  readonly accumulation: number;
  readonly feeds: readonly Feed[];
  readonly outputs: readonly string[];
}

/** Sums the gradients of several batches in an inner Loop and returns their mean, and the mean of the losses. */
export function accumulateBatches(model: OnnxModel, { layout, accumulation, feeds, outputs }: Accumulated): OnnxModel {
  const w = extendModel(model, 'sum/');
  const ends = layout.slots.map((slot) => {
    const carried = w.input(`sum/${slot.id}`, 'float32', slot.dims);
    return w.add(carried, gradientName(slot), { output: `next/${slot.id}` });
  });
  const summed = w.finish();
  const body = loopBody(summed, {
    feeds,
    carried: layout.slots.map((slot, index) => ({
      from: `sum/${slot.id}`,
      to: present(ends[index], 'ends[index]'),
      dims: slot.dims,
    })),
    outputs,
    prefix: 'batch',
  });
  const b = createGraphBuilder({ name: 'accumulation', opset: present(model.opsets.get(''), 'model.opsets of ""') });
  for (const slot of layout.slots) b.input(stateName(slot, 'parameter'), 'float32', slot.dims);
  for (const { name, dtype, dims } of feeds) b.input(`batch/${name}`, dtype, [accumulation, ...dims]);
  const zeros = layout.slots.map((slot) =>
    present(b.node('ConstantOfShape', [b.integers(slot.dims)])[0], 'the output of ConstantOfShape'),
  );
  const count = b.scalar(accumulation, 'int64');
  const sums = layout.slots.map((slot) => `total/${slot.id}`);
  const scans = outputs.map((name) => `all/${name}`);
  b.node('Loop', [count, '', ...zeros], {
    name: 'accumulate',
    outputs: [...sums, ...scans],
    attributes: { body: graphAttribute(body) },
  });
  for (const [index, slot] of layout.slots.entries()) {
    const mean = b.mul(present(sums[index], 'sums[index]'), b.scalar(1 / accumulation), { name: gradientName(slot) });
    b.output(mean, { dtype: 'float32', dims: slot.dims });
  }
  for (const [index, name] of outputs.entries()) {
    b.output(b.reduceMean(present(scans[index], 'scans[index]'), { keepdims: false, name }), {
      dtype: 'float32',
      dims: [],
    });
  }
  const built = b.build();
  return { ...model, graph: built.graph };
}

/** Name of an input for one of the batches of a step. */
export const batchFeedName = (batch: number, feed: string): string => `batch/${batch}/${feed}`;

/**
 * Same without a Loop, for devices whose Loops run on the CPU and copy inputs and outputs. Inputs are separate for each
 * batch.
 */
export function repeatBatches(model: OnnxModel, { layout, accumulation, feeds, outputs }: Accumulated): OnnxModel {
  const { graph } = model;
  const shared = new Set([...layout.slots.map((slot) => stateName(slot, 'parameter')), ...graph.initializers.keys()]);
  const batches = Array.from({ length: accumulation }, (_, batch) => {
    const own = (name: string) => batchFeedName(batch, name);
    return renameValues(graph, (name) => (shared.has(name) ? name : own(name)), { node: own });
  });
  const states = graph.inputs.filter(({ name }) => shared.has(name));
  const fed = feeds.flatMap(({ name, dtype, dims }) =>
    batches.map((_, batch) => tensorInfo(batchFeedName(batch, name), dtype, dims)),
  );
  const together = { ...graph, nodes: batches.flatMap(({ nodes }) => nodes), inputs: [...states, ...fed] };
  const w = extendModel({ ...model, graph: { ...together, outputs: [], valueInfo: [] } }, 'mean/');
  const results = [
    ...layout.slots.map((slot) => ({ name: gradientName(slot), dims: slot.dims })),
    ...outputs.map((name) => ({ name, dims: [] })),
  ];
  const means = results.map(({ name }) => {
    const [first = '', ...rest] = batches.map((_, batch) => batchFeedName(batch, name));
    const sum = rest.reduce((total, term) => w.add(total, term), first);
    const mean = w.mul(sum, w.scalar(1 / accumulation));
    return createNode({ op: 'Identity', name: `${name}/made`, inputs: [mean], outputs: [name] });
  });
  const finished = w.finish({ outputs: results.map(({ name, dims }) => tensorInfo(name, 'float32', dims)) });
  return { ...finished, graph: { ...finished.graph, nodes: [...finished.graph.nodes, ...means] } };
}
