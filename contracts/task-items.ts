/** Test items of a task as token sequences, the input of a judging process. */
import type { Metric } from './dataset.ts';

interface Item {
  /** Id of the row, stable within the dataset. */
  readonly id: string;
  readonly slice?: string;
}

/** A sequence whose tokens from `start` on are predicted. */
export interface TextItem extends Item {
  readonly tokens: Int32Array;
  /** Index of the first predicted token; default 1. */
  readonly start?: number;
  /** The predicted tokens are one decision, correct if each is the most probable; absent: one decision each. */
  readonly whole?: true;
}

/** Possible continuations, each with its context. */
export interface ChoiceItem extends Item {
  /** Context and continuation, one sequence per choice. */
  readonly choices: readonly Int32Array[];
  /** Index of the first scored token, by choice. */
  readonly starts: readonly number[];
  /** Characters of each choice without its leading space. */
  readonly characters: readonly number[];
  /** Index of the correct choice. */
  readonly label: number;
}

/** A text to be classified. */
export interface ClassificationItem extends Item {
  readonly tokens: Int32Array;
  /** Index of the first token of the second segment, where there is one. */
  readonly secondSegment?: number;
  /** Index of the correct class. */
  readonly label: number;
}

/** A text, or a pair of texts, to be scored. */
export interface RegressionItem extends Item {
  readonly tokens: Int32Array;
  readonly secondSegment?: number;
  /** The score given by people. */
  readonly score: number;
}

/** Two texts, each a sequence of its own, and their similarity as rated by people. */
export interface SimilarityItem extends Item {
  readonly texts: readonly [Int32Array, Int32Array];
  readonly score: number;
}

interface ItemsOf<M extends Metric, T> {
  readonly metric: M;
  readonly items: readonly T[];
  /** The slices of the task in display order; absent where it has none. */
  readonly slices?: readonly string[];
}

export type TextItems = ItemsOf<'perplexity' | 'greedy-accuracy', TextItem>;
export type ChoiceItems = ItemsOf<'choice-accuracy' | 'normalized-choice-accuracy', ChoiceItem>;
export type ClassificationItems = ItemsOf<
  'classification-accuracy' | 'f1' | 'matthews-correlation',
  ClassificationItem
>;
export type RegressionItems = ItemsOf<'pearson-correlation' | 'spearman-correlation', RegressionItem>;
export type SimilarityItems = ItemsOf<'cosine-spearman', SimilarityItem>;
export type TaskItems = TextItems | ChoiceItems | ClassificationItems | RegressionItems | SimilarityItems;
