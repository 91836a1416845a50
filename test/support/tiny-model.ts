/** A Llama decoder of a few thousand seeded weights, for tests that need a whole model but no trained one. */
import type { Model } from '../../harness/contracts/model.ts';
import { createRandom } from '../../harness/tensor/random.ts';
import { buildLlama, type LlamaConfig, type LlamaWeights } from '../../models/shared/llama-graph.ts';

export interface TinyLlamaOptions {
  readonly seed?: string | number;
  readonly layers?: number;
  readonly width?: number;
  readonly hiddenWidth?: number;
  readonly heads?: number;
  readonly keyValueHeads?: number;
  readonly vocabularySize?: number;
  readonly contextLength?: number;
  /** The output layer is the transposed embedding; default true. */
  readonly tied?: boolean;
}

/** Two layers of width 32 unless told otherwise; the same model for the same options. */
export function tinyLlama(options: TinyLlamaOptions = {}): Model {
  const { config, weights } = tinyLlamaParts(options);
  return buildLlama('tiny-llama', config, weights);
}

export function tinyLlamaParts(options: TinyLlamaOptions = {}): {
  readonly config: LlamaConfig;
  readonly weights: LlamaWeights;
} {
  const { seed = 0, layers = 2, width = 32, hiddenWidth = 48, heads = 4, keyValueHeads = 2 } = options;
  const { vocabularySize = 64, contextLength = 32, tied = true } = options;
  const random = createRandom(`tiny-llama/${seed}`);

  /** Gaussian weights of variance 1 / inFeatures keep activations near unit size. */
  function gaussian(label: string, inFeatures: number, outFeatures: number, scale = 1): Float32Array {
    const stream = random.fork(label);
    const deviation = scale / Math.sqrt(inFeatures);
    return Float32Array.from({ length: inFeatures * outFeatures }, () => deviation * stream.normal());
  }
  function norm(label: string): Float32Array {
    const stream = random.fork(label);
    return Float32Array.from({ length: width }, () => 1 + 0.1 * stream.normal());
  }

  const keyValueWidth = (width / heads) * keyValueHeads;
  const weights: LlamaWeights = {
    // Rows are looked up, not multiplied: the deviation is that of an element.
    embedding: gaussian('embedding', 1, vocabularySize * width, 0.5),
    layers: Array.from({ length: layers }, (_, layer) => ({
      attentionNorm: norm(`${layer}.attention`),
      q: gaussian(`${layer}.q`, width, width),
      k: gaussian(`${layer}.k`, width, keyValueWidth),
      v: gaussian(`${layer}.v`, width, keyValueWidth),
      o: gaussian(`${layer}.o`, width, width),
      feedForwardNorm: norm(`${layer}.feed-forward`),
      gate: gaussian(`${layer}.gate`, width, hiddenWidth),
      up: gaussian(`${layer}.up`, width, hiddenWidth),
      down: gaussian(`${layer}.down`, hiddenWidth, width),
    })),
    finalNorm: norm('final'),
    ...(!tied && { head: gaussian('head', width, vocabularySize) }),
  };
  const config: LlamaConfig = {
    width,
    hiddenWidth,
    heads,
    keyValueHeads,
    vocabularySize,
    contextLength,
    normEpsilon: 1e-5,
    rotaryBase: 10_000,
  };
  return { config, weights };
}
