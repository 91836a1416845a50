/**
 * Visits a model's blocks in order, so that each is compressed on the inputs that the compressed blocks before it
 * produce. Hidden states of all examples are kept between blocks; a block runs once before and once after its
 * compression. As in the code of GPTQ (true_sequential off), SparseGPT and Wanda, the statistics of all linear layers
 * of a block come from one pass with its dense weights: https://github.com/IST-DASLab/gptq
 */
import { present } from '../../contracts/present.ts';
import type { Example } from '../definitions/method.ts';
import type { LayerRoles, LinearRole, Model } from '../definitions/model.ts';
import { linearsOfLayer } from '../model/model.ts';
import { withGraph } from '../../numerics/onnx/edit.ts';
import { captureValues, layerGraph, runExamples } from '../runtime/capture.ts';
import {
  createStatisticsCollector,
  type StatisticKind,
  type ValueStatistics,
  statisticsGraph,
} from '../runtime/statistics.ts';
import { exampleFeeds } from '../runtime/token-feeds.ts';
import { type NumericTensor, tensorOf } from '../../numerics/tensor/tensor.ts';
import { byRole, observedInputs } from './input-statistics.ts';

export interface LayerByLayerOptions {
  readonly model: Model;
  readonly examples: readonly Example[];
  readonly statistics: readonly StatisticKind[];
  /** Returns the new weight of one linear layer, [in, out], given its present one and the statistics of its inputs. */
  compressLinear(
    linear: LinearRole,
    weight: Float32Array,
    statistics: ValueStatistics,
  ): Float32Array | Promise<Float32Array>;
  readonly signal: AbortSignal;
  progress(share: number): void;
}

/** The model with all weights replaced by the results of compressLinear. */
export async function compressLayerByLayer(options: LayerByLayerOptions): Promise<Model> {
  const { examples, signal } = options;
  let { model } = options;
  const { layers } = model.roles;
  let hidden = await hiddenStates(model, present(layers[0], 'first layer').input, options);
  for (const [index, layer] of layers.entries()) {
    const linears = linearsOfLayer(layer);
    const statistics = await layerStatistics(model, layer, hidden, options);
    for (const [done, linear] of linears.entries()) {
      signal.throwIfAborted();
      const weight = await options.compressLinear(
        linear,
        model.weight(linear),
        present(statistics.get(linear.role), `statistics of ${linear.role}`),
      );
      model = model.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], weight));
      options.progress((index + (done + 1) / linears.length) / layers.length);
    }
    const next = layers[index + 1];
    // Other nodes may process the residual stream between two blocks.
    if (next) hidden = await advance(model, { layer, to: next.input, hidden, examples, signal });
  }
  return model;
}

/** The value for every example, [1, sequence, width] each. */
async function hiddenStates(
  model: Model,
  value: string,
  { examples, signal }: Pick<LayerByLayerOptions, 'examples' | 'signal'>,
): Promise<NumericTensor[]> {
  const states: NumericTensor[] = [];
  const visit = (captured: Readonly<Record<string, NumericTensor>>) =>
    void states.push(present(captured[value], value));
  await captureValues({ model: model.onnx, values: [value], examples, visit, signal });
  return states;
}

async function layerStatistics(
  model: Model,
  layer: LayerRoles,
  hidden: readonly NumericTensor[],
  { examples, statistics, signal }: LayerByLayerOptions,
): Promise<ReadonlyMap<string, ValueStatistics>> {
  const { graph } = model.onnx;
  const linears = linearsOfLayer(layer);
  const values = observedInputs(linears);
  const part = layerGraph(graph, { ...layer, width: model.roles.width });
  const collector = createStatisticsCollector(values, statistics);
  await runExamples({
    model: withGraph(model.onnx, statisticsGraph(part, values, statistics)),
    count: examples.length,
    feeds: (index) => ({
      ...exampleFeeds(graph.inputs, present(examples[index], `example ${index}`)),
      [layer.input]: present(hidden[index], `hidden state of example ${index}`),
    }),
    visit: (outputs) => collector.add(outputs),
    signal,
  });
  return byRole(linears, collector.result());
}

async function advance(
  model: Model,
  walk: {
    readonly layer: LayerRoles;
    readonly to: string;
    readonly hidden: readonly NumericTensor[];
    readonly examples: readonly Example[];
    readonly signal: AbortSignal;
  },
): Promise<NumericTensor[]> {
  const { layer, to, hidden, examples, signal } = walk;
  const { graph } = model.onnx;
  const states: NumericTensor[] = [];
  await runExamples({
    model: withGraph(model.onnx, layerGraph(graph, { input: layer.input, output: to, width: model.roles.width })),
    count: examples.length,
    feeds: (index) => ({
      ...exampleFeeds(graph.inputs, present(examples[index], `example ${index}`)),
      [layer.input]: present(hidden[index], `hidden state of example ${index}`),
    }),
    visit: (outputs) => void states.push(present(outputs[to], to)),
    signal,
  });
  return states;
}
