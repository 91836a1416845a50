/** The weights of a BERT-style encoder classifier: names in the graph, shapes, and initial values. */
import type { Random } from '../../numerics/tensor/random.ts';
import type { NormWeights } from './layer-norm.ts';
import type { LinearWeights } from './linear-layer.ts';
import { type ReadWeight, initialWeight, readLinear, readNorm } from './weight-reading.ts';

export interface BertConfig {
  readonly width: number;
  readonly hiddenWidth: number;
  readonly layers: number;
  /** Divides the width. */
  readonly heads: number;
  readonly vocabularySize: number;
  readonly contextLength: number;
  readonly classes: number;
  readonly normEpsilon: number;
}

export interface BertLayerWeights {
  readonly q: LinearWeights; // [width, width]
  readonly k: LinearWeights; // [width, width]
  readonly v: LinearWeights; // [width, width]
  readonly o: LinearWeights; // [width, width]
  /** After attention and residual. */
  readonly attentionNorm: NormWeights;
  readonly up: LinearWeights; // [width, hiddenWidth]
  readonly down: LinearWeights; // [hiddenWidth, width]
  /** After feed-forward and residual. */
  readonly feedForwardNorm: NormWeights;
}

export interface BertWeights {
  readonly embedding: Float32Array; // [vocabulary, width]
  readonly positions: Float32Array; // [context, width]
  readonly embeddingNorm: NormWeights;
  readonly layers: readonly BertLayerWeights[];
  readonly pooler: LinearWeights; // [width, width]
  readonly classifier: LinearWeights; // [width, classes]
}

/** The weights from `read`, requested by the initializer names of buildBert. */
export function readBertWeights(config: BertConfig, read: ReadWeight): BertWeights {
  const { width, hiddenWidth, vocabularySize, contextLength, classes } = config;
  return {
    embedding: read('embedding.weight', [vocabularySize, width]),
    positions: read('positions.weight', [contextLength, width]),
    embeddingNorm: readNorm(read, 'embedding.norm', width),
    layers: Array.from({ length: config.layers }, (_, index) => {
      const name = (part: string): string => `layers.${index}.${part}`;
      return {
        q: readLinear(read, name('q'), [width, width]),
        k: readLinear(read, name('k'), [width, width]),
        v: readLinear(read, name('v'), [width, width]),
        o: readLinear(read, name('o'), [width, width]),
        attentionNorm: readNorm(read, name('attention.norm'), width),
        up: readLinear(read, name('up'), [width, hiddenWidth]),
        down: readLinear(read, name('down'), [hiddenWidth, width]),
        feedForwardNorm: readNorm(read, name('feed_forward.norm'), width),
      };
    }),
    pooler: readLinear(read, 'pooler', [width, width]),
    classifier: readLinear(read, 'classifier', [width, classes]),
  };
}

/**
 * Initial weights for training, as in BERT: matrices and tables normal with deviation 0.02, biases 0, norms 1 (Devlin
 * et al. 2019; https://github.com/google-research/bert truncates the normal distribution at two deviations,
 * transformers and this do not).
 */
export function initialBertWeights(config: BertConfig, random: Random): BertWeights {
  return readBertWeights(config, (name, dims) => initialWeight({ name, dims, random }));
}
