/** The loss of a model's own task on calibration examples, used by searches for compression parameters. */
import { present } from '../../contracts/present.ts';
import { UnsupportedError } from '../../contracts/errors.ts';
import type { Example } from '../definitions/method.ts';
import type { LinearRole, Model } from '../definitions/model.ts';
import { int, string } from '../../numerics/onnx/attributes.ts';
import { addInitializers, extractSubgraph, withGraph } from '../../numerics/onnx/edit.ts';
import type { Graph } from '../../numerics/onnx/graph.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import { createSession } from '../runtime/session.ts';
import { exampleFeeds } from '../runtime/token-feeds.ts';
import { elements, tensorOf } from '../../numerics/tensor/tensor.ts';

export interface CalibrationLossOptions {
  readonly model: Model;
  readonly examples: readonly Example[];
  /** A linear layer for which other weights are tried. */
  readonly tried?: LinearRole;
  readonly signal?: AbortSignal;
}

export interface CalibrationLoss {
  /**
   * Mean −ln p in nats, of each next token for a decoder or of the correct class for an encoder; for an embedder see
   * similarityLoss(). `weight`: the weight to try, [in, out].
   */
  measure(weight?: Float32Array): Promise<number>;
  release(): Promise<void>;
}

/** A target that the loss ignores. */
const IGNORED = -1;

/** Uses one session for any number of weights. Throws UnsupportedError for an encoder's example without a label. */
export async function createCalibrationLoss(options: CalibrationLossOptions): Promise<CalibrationLoss> {
  const { model, examples, tried, signal } = options;
  if (model.kind === 'embedder') return createSimilarityLoss(options);
  const { onnx, kind, id } = model;
  const targets = examples.map(({ tokens, label }) => {
    if (kind === 'decoder') return [...tokens.subarray(1), IGNORED];
    if (kind === 'encoder' && label !== undefined) return [label];
    throw new UnsupportedError(
      `${id}: the loss of an encoder needs labels, got a calibration example without one; calibrate on a classification dataset`,
    );
  });
  const count = targets.flat().filter((target) => target !== IGNORED).length;
  const session = await createSession(withGraph(onnx, lossGraph(onnx.graph, tried)));
  return {
    async measure(weight) {
      let sum = 0;
      for (const [index, example] of examples.entries()) {
        signal?.throwIfAborted();
        const expected = present(targets[index], `targets of example ${index}`);
        const { loss } = await session.run({
          ...exampleFeeds(onnx.graph.inputs, example),
          targets: tensorOf('int64', [expected.length], BigInt64Array.from(expected, BigInt)),
          ...(tried && { [tried.weight]: tensorOf('float32', shapeOf(tried), weight ?? model.weight(tried)) }),
        });
        sum += present(elements(present(loss, 'loss'), 'float32')[0], 'element of the loss');
      }
      return sum / count;
    },
    release: () => session.release(),
  };
}

/** Mean squared difference between the cosine similarity of an example and its partner and their score. */
async function createSimilarityLoss({
  model,
  examples,
  tried,
  signal,
}: CalibrationLossOptions): Promise<CalibrationLoss> {
  const { onnx, id } = model;
  const pairs = examples.map(({ tokens, partner, score }) => {
    if (partner !== undefined && score !== undefined) return { texts: [tokens, partner], score };
    throw new UnsupportedError(
      `${id}: the loss of an embedder needs pairs with a score, got a calibration example without one; calibrate on a similarity dataset`,
    );
  });
  const { inputs, outputs } = onnx.graph;
  const graph = tried ? extractSubgraph(onnx.graph, { inputs: [...inputs, tried.weight], outputs }) : onnx.graph;
  const session = await createSession(withGraph(onnx, graph));
  return {
    async measure(weight) {
      const feeds = tried ? { [tried.weight]: tensorOf('float32', shapeOf(tried), weight ?? model.weight(tried)) } : {};
      let sum = 0;
      for (const { texts, score } of pairs) {
        signal?.throwIfAborted();
        const vectors: Float32Array[] = [];
        for (const tokens of texts) {
          const { logits } = await session.run({ ...exampleFeeds(inputs, { tokens }), ...feeds });
          vectors.push(elements(present(logits, 'logits'), 'float32'));
        }
        const [first, second] = [present(vectors[0], 'a vector'), present(vectors[1], 'a vector')];
        const cosine = first.reduce((total, value, i) => total + value * present(second[i], 'a feature'), 0);
        sum += (cosine - score) ** 2;
      }
      return sum / pairs.length;
    },
    release: () => session.release(),
  };
}

const shapeOf = ({ inFeatures, outFeatures }: LinearRole) => [inFeatures, outFeatures];

/**
 * Inputs: the model's own, `targets` int64 [rows], the weight to try; output `loss`, the sum of −ln p over one example.
 */
function lossGraph(graph: Graph, tried: LinearRole | undefined): Graph {
  const rows = addInitializers(graph, { 'loss/rows': tensorOf('int64', [1], BigInt64Array.of(-1n)) });
  const nodes = [
    createNode({
      op: 'Shape',
      name: 'loss/classes',
      inputs: ['logits'],
      outputs: ['loss/classes'],
      attributes: { start: int(-1) },
    }),
    createNode({
      op: 'Concat',
      name: 'loss/shape',
      inputs: ['loss/rows', 'loss/classes'],
      outputs: ['loss/shape'],
      attributes: { axis: int(0) },
    }),
    createNode({ op: 'Reshape', name: 'loss/scores', inputs: ['logits', 'loss/shape'], outputs: ['loss/scores'] }),
    createNode({
      op: 'SoftmaxCrossEntropyLoss',
      name: 'loss',
      inputs: ['loss/scores', 'targets'],
      outputs: ['loss'],
      attributes: { reduction: string('sum'), ignore_index: int(IGNORED) },
    }),
  ];
  const inputs = [
    ...graph.inputs,
    { name: 'targets', type: { kind: 'tensor', dtype: 'int64', dims: ['rows'] } } as const,
  ];
  const outputs = [{ name: 'loss', type: { kind: 'tensor', dtype: 'float32', dims: [] } } as const];
  const whole = { ...rows, nodes: [...rows.nodes, ...nodes], inputs, outputs };
  return tried ? extractSubgraph(whole, { inputs: [...inputs, tried.weight], outputs }) : whole;
}
