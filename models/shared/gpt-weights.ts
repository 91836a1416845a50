/** The weights of a GPT-2-style decoder: names in the graph, shapes, and initial values. */
import type { Random } from '../../numerics/tensor/random.ts';
import type { NormWeights } from './layer-norm.ts';
import type { LinearWeights } from './linear-layer.ts';
import { type ReadWeight, initialWeight, readLinear, readNorm } from './weight-reading.ts';

export interface GptConfig {
  readonly width: number;
  readonly hiddenWidth: number;
  readonly layers: number;
  /** Divides the width. */
  readonly heads: number;
  readonly vocabularySize: number;
  readonly contextLength: number;
  readonly normEpsilon: number;
}

export interface GptLayerWeights {
  readonly attentionNorm: NormWeights;
  readonly q: LinearWeights; // [width, width]
  readonly k: LinearWeights; // [width, width]
  readonly v: LinearWeights; // [width, width]
  readonly o: LinearWeights; // [width, width]
  readonly feedForwardNorm: NormWeights;
  readonly up: LinearWeights; // [width, hiddenWidth]
  readonly down: LinearWeights; // [hiddenWidth, width]
}

export interface GptWeights {
  /** [vocabulary, width]; its transpose is the output layer. */
  readonly embedding: Float32Array;
  readonly positions: Float32Array; // [context, width]
  readonly layers: readonly GptLayerWeights[];
  readonly finalNorm: NormWeights;
}

/** The weights from `read`, requested by the initializer names of buildGpt. */
export function readGptWeights(config: GptConfig, read: ReadWeight): GptWeights {
  const { width, hiddenWidth, vocabularySize, contextLength } = config;
  return {
    embedding: read('embedding.weight', [vocabularySize, width]),
    positions: read('positions.weight', [contextLength, width]),
    layers: Array.from({ length: config.layers }, (_, index) => {
      const name = (part: string): string => `layers.${index}.${part}`;
      return {
        attentionNorm: readNorm(read, name('attention.norm'), width),
        q: readLinear(read, name('q'), [width, width]),
        k: readLinear(read, name('k'), [width, width]),
        v: readLinear(read, name('v'), [width, width]),
        o: readLinear(read, name('o'), [width, width]),
        feedForwardNorm: readNorm(read, name('feed_forward.norm'), width),
        up: readLinear(read, name('up'), [width, hiddenWidth]),
        down: readLinear(read, name('down'), [hiddenWidth, width]),
      };
    }),
    finalNorm: readNorm(read, 'final.norm', width),
  };
}

/**
 * Initial weights for training, as in GPT-2: matrices and tables normal with deviation 0.02, the two that write to the
 * residual stream divided by √(2 layers); biases 0, norms 1 (Radford et al. 2019, section 2.3;
 * https://github.com/karpathy/nanoGPT).
 */
export function initialGptWeights(config: GptConfig, random: Random): GptWeights {
  const residual = 1 / Math.sqrt(2 * config.layers);
  return readGptWeights(config, (name, dims) =>
    initialWeight({ name, dims, random, scale: /\.(o|down)\.weight$/.test(name) ? residual : 1 }),
  );
}
