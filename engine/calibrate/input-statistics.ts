/**
 * Statistics of the inputs of linear layers over calibration examples. Layers that read the same value share its
 * statistics.
 */
import { present } from '../../contracts/present.ts';
import type { Example } from '../definitions/method.ts';
import type { LinearRole, Model } from '../definitions/model.ts';
import { extractSubgraph, withGraph } from '../../numerics/onnx/edit.ts';
import { runExamples } from '../runtime/capture.ts';
import {
  createStatisticsCollector,
  type ObservedValue,
  type StatisticKind,
  type ValueStatistics,
  statisticsGraph,
} from '../runtime/statistics.ts';
import { exampleFeeds } from '../runtime/token-feeds.ts';

export interface CalibrationRun {
  readonly model: Model;
  readonly examples: readonly Example[];
  /** Default: all linear layers of the blocks. */
  readonly linears?: readonly LinearRole[];
  readonly signal?: AbortSignal;
}

/** By role. One pass over `model`; no layer is changed in between. */
export async function inputStatistics(
  { model, examples, linears = model.linears, signal }: CalibrationRun,
  kinds: readonly StatisticKind[],
): Promise<ReadonlyMap<string, ValueStatistics>> {
  const { graph } = model.onnx;
  const values = observedInputs(linears);
  const part = extractSubgraph(graph, { inputs: graph.inputs, outputs: values.map(({ value }) => value) });
  const collector = createStatisticsCollector(values, kinds);
  await runExamples({
    model: withGraph(model.onnx, statisticsGraph(part, values, kinds)),
    count: examples.length,
    feeds: (index) => exampleFeeds(part.inputs, present(examples[index], `example ${index}`)),
    visit: (outputs) => collector.add(outputs),
    ...(signal && { signal }),
  });
  return byRole(linears, collector.result());
}

/** The distinct values that these layers read. */
export function observedInputs(linears: readonly LinearRole[]): ObservedValue[] {
  const values = new Map(linears.map(({ input, inFeatures }) => [input, { value: input, features: inFeatures }]));
  return [...values.values()];
}

export function byRole<T>(linears: readonly LinearRole[], byValue: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map(linears.map(({ role, input }) => [role, present(byValue.get(input), `statistics of "${input}"`)]));
}

/** Positions in all examples: the number of rows summed. */
export function positionCount(examples: readonly Example[]): number {
  return examples.reduce((sum, { tokens }) => sum + tokens.length, 0);
}
