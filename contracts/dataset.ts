/** A dataset is rows with splits; a task is a dataset, a metric and a protocol. */

export type SplitName = 'calibration' | 'training' | 'validation' | 'test';

export interface DatasetRow {
  /** Stable within the dataset. */
  readonly id: string;
  readonly text: string;
  /** Index of the correct class (classification) or of the correct one of `choices`. */
  readonly label?: number;
  /** The score given by people: regression and similarity. */
  readonly score?: number;
  /** Possible continuations of `text`, each with its leading space; at least two. */
  readonly choices?: readonly string[];
  /** The context of each of `choices`, where it is not `text` for all. */
  readonly contexts?: readonly string[];
  /**
   * What is predicted after `text`, with its leading space: it is one decision as a whole, and no token of `text` is
   * scored.
   */
  readonly continuation?: string;
  /** Second segment of a pair, compared with `text`. */
  readonly pair?: string;
  /** Group under which the row is reported; one of TaskDefinition.slices. */
  readonly slice?: string;
}

export type Splits = Readonly<Record<SplitName, readonly DatasetRow[]>>;

/** Fetches a pinned, verified file of the hub; see engine/hub. */
export interface HubClient {
  /** The file's bytes, or with `range` only [start, end) of them; sha256 is over what is returned. Throws IntegrityError. */
  file(request: HubFileRequest): Promise<Uint8Array>;
}

/** For models, whose files may be too large for memory. */
export interface ModelHub extends HubClient {
  /** Path of the verified file on this machine; throws the errors of `file`. Not for ranges. */
  locate(request: Omit<HubFileRequest, 'range'>): Promise<string>;
}

export interface HubFileRequest {
  readonly kind: 'model' | 'dataset';
  readonly repo: string;
  /** Commit hash, 40 hex digits. */
  readonly revision: string;
  readonly path: string;
  readonly range?: { readonly start: number; readonly end: number };
  /** Expected SHA-256 of the returned bytes; without it the caller verifies decoded rows instead. */
  readonly sha256?: string;
}

/** One entry of datasets/index.ts. */
export interface DatasetDefinition {
  /** = file name. */
  readonly id: string;
  readonly title: string;
  readonly version: string;
  readonly licence: string;
  readonly citation: string;
  readonly source:
    | { readonly kind: 'hub'; readonly repo: string; readonly revision: string }
    | { readonly kind: 'generated'; readonly seed: number };
  /** SHA-256 over the decoded rows of all splits (datasets content, whatever file format carried them). */
  readonly contentHash: string;
  /** Test-only: all splits but the test split are empty. Absent means false. */
  readonly evaluationOnly?: boolean;
  readonly tasks: readonly TaskDefinition[];
  /** Decodes the rows. Deterministic except for what it reads through `hub`. */
  load(hub: HubClient): Promise<Splits>;
}

/** Metrics of agreement between predictions and targets over all items: numerics/statistics/agreement.ts. */
export const AGREEMENT_METRICS = [
  'f1',
  'matthews-correlation',
  'pearson-correlation',
  'spearman-correlation',
  'cosine-spearman',
] as const;
export type AgreementMetric = (typeof AGREEMENT_METRICS)[number];

/**
 * perplexity: exp of the mean loss per token, or per continuation where rows have one. choice-accuracy: share of rows
 * whose correct continuation is the most probable; normalized-choice-accuracy: has the highest ln p per character.
 * greedy-accuracy: share of rows whose continuation the model generates by greedy decoding.
 * classification-accuracy: share of rows whose correct class scores highest. f1: of class 1. matthews-correlation: of
 * predicted and correct class. pearson- and spearman-correlation: of an encoder's single output and the score given by
 * people.
 * cosine-spearman: Spearman's, of the cosine of an embedder's vectors of two texts and that score.
 */
export type Metric =
  | 'perplexity'
  | 'choice-accuracy'
  | 'normalized-choice-accuracy'
  | 'greedy-accuracy'
  | 'classification-accuracy'
  | AgreementMetric;

export function isAgreement(metric: Metric): metric is AgreementMetric {
  return AGREEMENT_METRICS.some((name) => name === metric);
}

/** Sequences of one long text. */
export interface Windows {
  readonly longest: number;
  /**
   * Tokens from the beginning of one sequence to that of the next; each predicts the tokens that the previous one did
   * not. Absent: sequences do not overlap, and an incomplete last one is omitted.
   */
  readonly stride?: number;
}

/** A metric on the test split of a dataset. */
export interface TaskDefinition {
  /** `tinystories-perplexity` */
  readonly id: string;
  readonly title: string;
  readonly dataset: string;
  readonly metric: Metric;
  readonly higherIsBetter: boolean;
  /** The score of guessing, in the metric's unit; absent for perplexity. */
  readonly chance?: number;
  /** Values of DatasetRow.slice, in the order they are shown. */
  readonly slices?: readonly string[];
  /**
   * Rows are divided into sequences of this many tokens, or of the model's context length if that is shorter;
   * perplexity only.
   */
  readonly windows?: Windows;
  /** Maximum number of items, drawn at random with a fixed seed. */
  readonly limit?: number;
  /** Names of the classes, by label; classification only. */
  readonly classes?: readonly string[];
  /** A sentence for the reader: what the model has to do. */
  readonly description: string;
}
