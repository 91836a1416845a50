/**
 * The parameters that distinguish transformers, input of the builders in this folder: models/shared/architectures
 * converts config.json to it; weights are separate.
 */

export type Activation = 'relu' | 'gelu' | 'gelu-tanh' | 'silu';

export interface NormSpecification {
  /** LayerNorm (Ba et al. 2016), or RMSNorm (Zhang & Sennrich 2019). */
  readonly kind: 'layer' | 'root-mean-square';
  readonly epsilon: number;
}

/** Rotary positions of one layer (Su et al. 2021, https://arxiv.org/abs/2104.09864). */
export interface Rotary {
  /**
   * Angle per position of each pair of features, in radians; twice as many features of a head, the first ones, are
   * rotated.
   */
  readonly frequencies: readonly number[];
  /** Factor of cosines and sines; 1 except for YaRN. */
  readonly amplitude: number;
}

export interface LayerSpecification {
  /** Absent where positions are learned. */
  readonly rotary?: Rotary;
  /**
   * Positions that a position sees: in a decoder itself and the window − 1 before it, in an encoder those at a distance
   * of at most window. Absent where all are seen.
   */
  readonly window?: number;
}

export interface TransformerSpecification {
  readonly width: number;
  readonly hiddenWidth: number;
  readonly heads: number;
  /** Divides `heads`. */
  readonly keyValueHeads: number;
  /** Features of a head; need not be width / heads. */
  readonly headWidth: number;
  readonly vocabularySize: number;
  readonly contextLength: number;
  readonly layers: readonly LayerSpecification[];
  readonly norm: NormSpecification;
  /**
   * before: the input of attention and of feed-forward is normalised (GPT-2, Llama). after: the sum with the residual
   * is (BERT). both: the input, and the output before it is added (Gemma 3).
   */
  readonly normPlacement: 'before' | 'after' | 'both';
  /** parallel: attention and feed-forward both read the layer's input (GPT-NeoX); sequential: one after the other. */
  readonly residual: 'sequential' | 'parallel';
  readonly activation: Activation;
  /** activation(gate x) · up x instead of activation(up x). */
  readonly gated: boolean;
  /** Factor of the products of queries and keys; 1 / √headWidth in most models. */
  readonly scoreScale: number;
  /** Factor of the token embedding; absent means 1. */
  readonly embeddingScale?: number;
}

/** Row-major. */
export interface LinearWeights {
  readonly weight: Float32Array; // [in, out]
  readonly bias?: Float32Array; // [out]
}

export interface NormWeights {
  readonly weight: Float32Array;
  readonly bias?: Float32Array;
}

export interface LayerWeights {
  /** Absent where attention reads the layer's input without a norm. */
  readonly attentionNorm?: NormWeights;
  readonly q: LinearWeights; // [width, heads · headWidth]; turned features as interleaved pairs
  readonly k: LinearWeights; // [width, keyValueHeads · headWidth]; turned features as interleaved pairs
  readonly v: LinearWeights; // [width, keyValueHeads · headWidth]
  /** RMS norms of each head's query and key, in the feature order of q and k. */
  readonly queryNorm?: NormWeights; // [headWidth]
  readonly keyNorm?: NormWeights; // [headWidth]
  readonly o: LinearWeights; // [heads · headWidth, width]
  /** Only where norms are placed on both sides. */
  readonly attentionOutputNorm?: NormWeights;
  /** Absent where feed-forward reads the same input as attention. */
  readonly feedForwardNorm?: NormWeights;
  readonly gate?: LinearWeights; // [width, hiddenWidth]
  readonly up: LinearWeights; // [width, hiddenWidth]
  readonly down: LinearWeights; // [hiddenWidth, width]
  readonly feedForwardOutputNorm?: NormWeights;
}
