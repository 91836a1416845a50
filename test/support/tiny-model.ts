/** One model of each architecture, of a few thousand seeded weights, for tests that need a whole model but no trained one. */
import type { Model } from '../../engine/definitions/model.ts';
import { createRandom, type Random } from '../../numerics/tensor/random.ts';
import { elementCount } from '../../numerics/tensor/tensor.ts';
import { buildBert } from '../../models/shared/bert-graph.ts';
import { type BertConfig, type BertWeights, readBertWeights } from '../../models/shared/bert-weights.ts';
import { buildGpt } from '../../models/shared/gpt-graph.ts';
import { type GptConfig, type GptWeights, readGptWeights } from '../../models/shared/gpt-weights.ts';
import { buildLlama, type LlamaConfig, type LlamaWeights } from '../../models/shared/llama-graph.ts';
import type { ReadWeight } from '../../models/shared/weight-reading.ts';

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

export interface TinyOptions {
  readonly seed?: string | number;
  readonly layers?: number;
  readonly width?: number;
  readonly hiddenWidth?: number;
  readonly heads?: number;
  readonly vocabularySize?: number;
  readonly contextLength?: number;
}

const TINY = { layers: 2, width: 32, hiddenWidth: 48, heads: 4, vocabularySize: 64, contextLength: 32 };

/** Two layers of width 32 unless told otherwise; the same model for the same options. */
export function tinyGpt(options: TinyOptions = {}): Model {
  const { config, weights } = tinyGptParts(options);
  return buildGpt('tiny-gpt', config, weights);
}

export function tinyGptParts({ seed = 0, ...options }: TinyOptions = {}): {
  readonly config: GptConfig;
  readonly weights: GptWeights;
} {
  const config = { ...TINY, normEpsilon: 1e-5, ...options };
  return { config, weights: readGptWeights(config, lively(createRandom(`tiny-gpt/${seed}`))) };
}

/** Two layers of width 32 and three classes unless told otherwise; the same model for the same options. */
export function tinyBert(options: TinyOptions & { readonly classes?: number } = {}): Model {
  const { config, weights } = tinyBertParts(options);
  return buildBert('tiny-bert', config, weights);
}

export function tinyBertParts({ seed = 0, ...options }: TinyOptions & { readonly classes?: number } = {}): {
  readonly config: BertConfig;
  readonly weights: BertWeights;
} {
  const config = { ...TINY, classes: 3, normEpsilon: 1e-12, ...options };
  return { config, weights: readBertWeights(config, lively(createRandom(`tiny-bert/${seed}`))) };
}

/** Weights that keep activations near unit size, and biases and norms that are not neutral. */
function lively(random: Random): ReadWeight {
  return (name, dims) => {
    const stream = random.fork(name);
    const isTable = name === 'embedding.weight' || name === 'positions.weight';
    const deviation = dims.length === 1 ? 0.1 : isTable ? 0.5 : 1 / Math.sqrt(dims[0] as number);
    const centre = name.endsWith('norm.weight') ? 1 : 0;
    return Float32Array.from({ length: elementCount(dims) }, () => centre + deviation * stream.normal());
  };
}

/** One of each architecture. */
export const tinyModels: readonly Model[] = [tinyLlama(), tinyGpt(), tinyBert()];
