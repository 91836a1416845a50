/** A dataset is rows with splits; a task is a dataset, a metric and a protocol. */

export type SplitName = 'calibration' | 'training' | 'validation' | 'test';

export interface DatasetRow {
  /** Stable within the dataset. */
  readonly id: string;
  readonly text: string;
  /** Index of the right class (classification) or of the right one of `choices`. */
  readonly label?: number;
  /** The score that people gave a pair: regression and similarity. */
  readonly score?: number;
  /** Possible continuations of `text`, each with its leading space; at least two. */
  readonly choices?: readonly string[];
  /** What each of `choices` continues, where they do not all continue `text`. */
  readonly contexts?: readonly string[];
  /** What is predicted after `text`, with its leading space: one decision of the whole, and no token of `text` is scored. */
  readonly continuation?: string;
  /** Second segment of a pair: the text that `text` is held against. */
  readonly pair?: string;
  /** Group the row is reported under; one of TaskDefinition.slices. */
  readonly slice?: string;
}

export type Splits = Readonly<Record<SplitName, readonly DatasetRow[]>>;

/** Fetches a pinned, verified file of the hub; see engine/hub. */
export interface HubClient {
  /** The file's bytes, or with `range` only [start, end) of them; sha256 is over what is returned. Throws IntegrityError. */
  file(request: HubFileRequest): Promise<Uint8Array>;
}

/** What models need besides, whose files may be too large for memory. */
export interface ModelHub extends HubClient {
  /** Path of the verified file on this machine; throws what `file` throws. A request for a range has none. */
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
  /** Nothing may be learned from it: all splits but the test split are empty. Absent means false. */
  readonly evaluationOnly?: boolean;
  readonly tasks: readonly TaskDefinition[];
  /** Decodes the rows. Pure but for what it reads through `hub`. */
  load(hub: HubClient): Promise<Splits>;
}

/** Metrics of how predictions agree with targets over all items: numerics/statistics/agreement.ts. */
export const AGREEMENT_METRICS = [
  'f1',
  'matthews-correlation',
  'pearson-correlation',
  'spearman-correlation',
  'cosine-spearman',
] as const;
export type AgreementMetric = (typeof AGREEMENT_METRICS)[number];

/**
 * perplexity: exp of the mean loss per token, or per continuation where rows have one. choice-accuracy: share of rows whose right
 * continuation is the likeliest; normalized-choice-accuracy: whose ln p per character is the highest. greedy-accuracy: share of
 * rows whose continuation the model writes itself, taking the likeliest token each time.
 * classification-accuracy: share of rows whose right class scores highest. f1: of class 1. matthews-correlation: of class and
 * right class. pearson- and spearman-correlation: of an encoder's single output and the score that people gave.
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
   * Tokens from the beginning of one to that of the next; each predicts those tokens that the one before did not. Absent: they do
   * not overlap, and a rest shorter than a whole one is left out.
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
  /** What guessing gets, in the metric's unit; absent for perplexity. */
  readonly chance?: number;
  /** Values of DatasetRow.slice, in the order they are shown. */
  readonly slices?: readonly string[];
  /** The rows are cut into sequences of tokens of this length, or of the model's context where that is shorter; perplexity only. */
  readonly windows?: Windows;
  /** Only so many items, drawn at random with a fixed seed. */
  readonly limit?: number;
  /** Names of the classes, by label; classification only. */
  readonly classes?: readonly string[];
  /** Sentence for the reader: what is asked of the model. */
  readonly description: string;
}
