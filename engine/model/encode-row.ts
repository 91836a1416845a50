/** Converts rows of datasets to token sequences for each kind of model. */
import type { DatasetRow, Metric } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';
import { afterBegin, encodeChoices, encodeContinuation } from './encode-continuation.ts';
import type { Tokenizer } from '../definitions/model.ts';
import type { ModelKind } from '../../contracts/taxonomy.ts';
import type {
  ChoiceItem,
  ClassificationItem,
  RegressionItem,
  SimilarityItem,
  TextItem,
} from '../../contracts/task-items.ts';

export interface Encoding {
  readonly tokenizer: Tokenizer;
  readonly contextLength: number;
  readonly kind: ModelKind;
}

export interface EncodedRow {
  readonly tokens: Int32Array;
  /** Index of the first token of the second segment, where there is one. */
  readonly secondSegment?: number;
}

type RowText = Pick<DatasetRow, 'id' | 'text' | 'pair'>;

/**
 * Decoders: begin-of-sequence and the text, with the correct choice where the row has choices. Encoders: classification
 * token, text, separator, and the second segment with its own separator where there is one. The result is truncated to
 * the model's context: only the first segment, at its end; the second is kept whole. Throws InputError where it does
 * not fit.
 */
export function encodeRow(row: DatasetRow, encoding: Encoding): EncodedRow {
  if (encoding.kind !== 'decoder') return encodeSegments(row, encoding);
  const continuation = row.choices?.[row.label ?? -1] ?? '';
  return { tokens: encodeText(row.text + continuation, encoding) };
}

function encodeText(text: string, { tokenizer, contextLength }: Encoding): Int32Array {
  return afterBegin(tokenizer, tokenizer.encode(text)).slice(0, contextLength);
}

function encodeSegments({ id, text, pair }: RowText, { tokenizer, contextLength }: Encoding): EncodedRow {
  const { classification, separator } = tokenizer;
  if (classification === undefined || separator === undefined) {
    throw new InputError(
      `row ${id}: an encoder's input begins with a classification token and ends segments with a separator; this tokenizer ` +
        'has none, use one that has both',
    );
  }
  const second = pair === undefined ? [] : [...tokenizer.encode(pair), separator];
  const middle = pair === undefined ? [separator] : (tokenizer.segmentBreak ?? [separator]);
  const room = contextLength - second.length - middle.length - 1;
  if (room < 1) {
    throw new InputError(
      `row ${id}: its second segment takes ${second.length} of ${contextLength} tokens and leaves no room for the first; shorten it`,
    );
  }
  const first = tokenizer.encode(text).subarray(0, room);
  const tokens = Int32Array.from([classification, ...first, ...middle, ...second]);
  return pair === undefined ? { tokens } : { tokens, secondSegment: tokens.length - second.length };
}

export function textItem(row: DatasetRow, encoding: Encoding): TextItem {
  requireKind('perplexity', encoding.kind);
  const { id, text: context, continuation } = row;
  if (continuation === undefined) return { ...itemOf(row), tokens: encodeText(context, encoding) };
  return { ...itemOf(row), ...encodeContinuation({ id, context, continuation }, encoding), whole: true };
}

export function choiceItem(row: DatasetRow, encoding: Encoding): ChoiceItem {
  requireKind('choice-accuracy', encoding.kind);
  return { ...itemOf(row), ...encodeChoices(row, encoding) };
}

export function classificationItem(row: DatasetRow, encoding: Encoding): ClassificationItem {
  requireKind('classification-accuracy', encoding.kind);
  if (row.label === undefined)
    throw new InputError(`row ${row.id}: classification needs the index of the class as label`);
  return { ...itemOf(row), ...encodeSegments(row, encoding), label: row.label };
}

export function regressionItem(row: DatasetRow, encoding: Encoding): RegressionItem {
  requireKind('pearson-correlation', encoding.kind);
  return { ...itemOf(row), ...encodeSegments(row, encoding), score: scoreOf(row) };
}

export function similarityItem(row: DatasetRow, encoding: Encoding): SimilarityItem {
  requireKind('cosine-spearman', encoding.kind);
  const { id, text, pair } = row;
  if (pair === undefined) throw new InputError(`row ${id}: similarity needs two texts, got one`);
  const tokensOf = (own: string) => encodeSegments({ id, text: own }, encoding).tokens;
  return { ...itemOf(row), texts: [tokensOf(text), tokensOf(pair)], score: scoreOf(row) };
}

function scoreOf({ id, score }: DatasetRow): number {
  if (score !== undefined) return score;
  throw new InputError(`row ${id}: similarity needs a score given by people, got none`);
}

const KINDS: Readonly<Record<Metric, ModelKind>> = {
  perplexity: 'decoder',
  'choice-accuracy': 'decoder',
  'normalized-choice-accuracy': 'decoder',
  'greedy-accuracy': 'decoder',
  'classification-accuracy': 'encoder',
  f1: 'encoder',
  'matthews-correlation': 'encoder',
  'pearson-correlation': 'encoder',
  'spearman-correlation': 'encoder',
  'cosine-spearman': 'embedder',
};

/** The kind of model that a task with this metric needs. */
export function kindFor(metric: Metric): ModelKind {
  return KINDS[metric];
}

function requireKind(metric: Metric, kind: ModelKind): void {
  if (kindFor(metric) === kind) return;
  throw new InputError(`${metric} needs a model of kind ${kindFor(metric)}, got ${kind}; choose another task`);
}

function itemOf({ id, slice }: DatasetRow): { readonly id: string; readonly slice?: string } {
  return slice === undefined ? { id } : { id, slice };
}
