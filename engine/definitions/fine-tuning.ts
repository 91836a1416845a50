/** How a model is fine-tuned here from another one: all that decides what comes out, on one kind of processor. */
export interface FineTuningRecipe {
  /** Raised by a change of the code that makes another model of the same recipe. */
  readonly revision: number;
  /** Id of a dataset with a classification task. Its training and calibration rows are trained on. */
  readonly dataset: string;
  /** Of the dataset: other rows are another recipe. */
  readonly contentHash: string;
  /** Names of the classes, by label. */
  readonly classes: readonly string[];
  /** Names the streams of random numbers: the first weights of the classifier and the order of the batches. */
  readonly seed: string;
  readonly steps: number;
  /** Rows per step. */
  readonly batch: number;
  /** Rows are cut to so many tokens. */
  readonly longest: number;
  /** Highest learning rate: reached after the warm-up, then down along half a cosine to zero. */
  readonly learningRate: number;
  readonly warmUpSteps: number;
  /** Of matrices, as AdamW takes it. */
  readonly weightDecay: number;
  /** The token embedding stays as it is: half of a small model's weights, most of which no row touches. */
  readonly frozenEmbedding: boolean;
  /** The order of sums depends on it. */
  readonly threads: number;
}
