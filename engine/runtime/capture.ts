/** Runs a model over examples and returns inner values. One example at a time, without padding. */
import { present } from '../../contracts/present.ts';
import type { Example } from '../definitions/method.ts';
import type { Graph, OnnxModel, ValueInfo } from '../../numerics/onnx/graph.ts';
import { extractSubgraph, withGraph } from '../../numerics/onnx/edit.ts';
import type { NumericTensor } from '../../numerics/tensor/tensor.ts';
import { createSession, type SessionOptions } from './session.ts';
import { exampleFeeds } from './token-feeds.ts';

export interface CaptureOptions {
  readonly model: OnnxModel;
  /** Names of values inside the graph; nodes that these do not depend on are not run. */
  readonly values: readonly string[];
  readonly examples: readonly Example[];
  /** Called once per example, in order; the tensors have a leading batch dimension of 1. */
  visit(captured: Readonly<Record<string, NumericTensor>>, index: number): void | Promise<void>;
  readonly signal?: AbortSignal;
  readonly session?: SessionOptions;
}

/** Throws InputError for a value that is not in the graph. */
export async function captureValues(options: CaptureOptions): Promise<void> {
  const { model, values, examples, visit, signal } = options;
  const graph = extractSubgraph(model.graph, { inputs: model.graph.inputs, outputs: values });
  await runExamples({
    ...options,
    model: withGraph(model, graph),
    count: examples.length,
    feeds: (index) => exampleFeeds(graph.inputs, present(examples[index], `example ${index}`)),
    visit: (outputs, index) => visit(outputs, index),
    ...(signal && { signal }),
  });
}

export interface ExampleRun {
  readonly model: OnnxModel;
  readonly count: number;
  feeds(index: number): Readonly<Record<string, NumericTensor>>;
  visit(outputs: Readonly<Record<string, NumericTensor>>, index: number): void | Promise<void>;
  readonly signal?: AbortSignal;
  readonly session?: SessionOptions;
}

/** Creates a session, runs it `count` times, and releases it also after errors. */
export async function runExamples({ model, count, feeds, visit, signal, session: options }: ExampleRun): Promise<void> {
  const session = await createSession(model, options);
  try {
    for (let index = 0; index < count; index++) {
      signal?.throwIfAborted();
      await visit(await session.run(feeds(index)), index);
    }
  } finally {
    await session.release();
  }
}

export interface LayerCut {
  readonly input: string;
  readonly output: string;
  /** Features of both values. */
  readonly width: number;
}

/**
 * The part of a model between two values of its residual stream, [1, sequence, width] each. Inputs of the whole graph
 * stay inputs, since positions and masks, which all layers share, come from them.
 */
export function layerGraph(graph: Graph, { input, output, width }: LayerCut): Graph {
  const hidden = (name: string): ValueInfo => ({
    name,
    type: { kind: 'tensor', dtype: 'float32', dims: ['batch', 'sequence', width] },
  });
  return extractSubgraph(graph, { inputs: [...graph.inputs, hidden(input)], outputs: [hidden(output)] });
}
