/** How a model is fine-tuned from another one: everything that determines the result on one kind of processor. */
export interface FineTuningRecipe {
  /** Raise it when a change of the code changes the model that a recipe makes. */
  readonly revision: number;
  /** Id of a classification dataset. Training uses its training and calibration rows. */
  readonly dataset: string;
  /** Hash of the dataset: different rows are a different recipe. */
  readonly contentHash: string;
  /** Names of the classes, by label. */
  readonly classes: readonly string[];
  /** Names of the random streams: initial weights of the classifier and order of the batches. */
  readonly seed: string;
  readonly steps: number;
  /** Rows per step. */
  readonly batch: number;
  /** Rows are truncated to this many tokens. */
  readonly longest: number;
  /** Highest learning rate: reached after the warm-up, then decreased along half a cosine to zero. */
  readonly learningRate: number;
  readonly warmUpSteps: number;
  /** Weight decay of matrices, as in AdamW. */
  readonly weightDecay: number;
  /**
   * The token embedding is not trained: it is half of a small model's weights, and few of its rows occur in the data.
   */
  readonly frozenEmbedding: boolean;
  /** Thread count; the order of summation depends on it. */
  readonly threads: number;
}
