/**
 * Tokenizes contexts and continuations as lm-evaluation-harness does (`_encode_pair` and `_loglikelihood_tokens`,
 * version 0.4), https://github.com/EleutherAI/lm-evaluation-harness: both are tokenized as one text, and the
 * continuation is what follows the number of tokens that the context has by itself.
 */
import type { DatasetRow } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';
import type { ChoiceItem, TextItem } from '../../contracts/task-items.ts';
import type { Tokenizer } from '../definitions/model.ts';

interface DecoderEncoding {
  readonly tokenizer: Tokenizer;
  readonly contextLength: number;
}

export interface EncodedContinuation {
  readonly tokens: Int32Array;
  /** First token of the continuation. */
  readonly start: number;
}

/**
 * A text that is too long is truncated at its beginning, so that all tokens but the last, which is only predicted, fit
 * the context.
 * Throws InputError where the continuation does not fit, or has no token of its own.
 */
export function encodeContinuation(
  parts: { readonly id: string; readonly context: string; readonly continuation: string },
  encoding: DecoderEncoding,
): EncodedContinuation {
  const { id } = parts;
  const { tokenizer, contextLength } = encoding;
  // Blanks at the end of a context belong to the following token.
  const context = parts.context.trimEnd();
  const continuation = parts.context.slice(context.length) + parts.continuation;
  const before = contextTokens(id, context, tokenizer);
  const whole =
    context === ''
      ? Int32Array.of(...before, ...tokenizer.encode(continuation))
      : afterBegin(tokenizer, tokenizer.encode(context + continuation));
  const dropped = Math.max(0, whole.length - 1 - contextLength);
  const start = before.length - dropped;
  if (start < 1 || before.length >= whole.length) {
    throw new InputError(
      `row ${id}: a continuation must add tokens to its context and fit into ${contextLength} of them; got ` +
        `${whole.length - before.length} tokens after a context of ${before.length}`,
    );
  }
  return { tokens: whole.slice(dropped), start };
}

/** The tokens of a context by itself; for an empty context, the token that replaces it. */
function contextTokens(id: string, context: string, tokenizer: Tokenizer): Int32Array {
  if (context !== '') return afterBegin(tokenizer, tokenizer.encode(context));
  const prefix = tokenizer.emptyContext ?? tokenizer.beginOfSequence ?? tokenizer.endOfSequence;
  if (prefix !== undefined) return Int32Array.of(prefix);
  throw new InputError(
    `row ${id}: a text without context needs a token before it, and this tokenizer has none that begins or ends a sequence`,
  );
}

/** The tokens after the begin-of-sequence token, where the model was trained with one. */
export function afterBegin({ beginOfSequence }: Tokenizer, tokens: Int32Array): Int32Array {
  if (beginOfSequence === undefined) return tokens;
  const whole = new Int32Array(tokens.length + 1);
  whole[0] = beginOfSequence;
  whole.set(tokens, 1);
  return whole;
}

/** Throws InputError for a row without choices, and the errors of encodeContinuation. */
export function encodeChoices(
  row: DatasetRow,
  encoding: DecoderEncoding,
): Pick<ChoiceItem, 'choices' | 'starts' | 'characters' | 'label'> {
  const { id, text, choices, contexts = choices?.map(() => text), label } = row;
  if (!choices || contexts?.length !== choices.length || label === undefined || choices[label] === undefined) {
    throw new InputError(`row ${id}: multiple choice needs choices and the index of the correct one as label`);
  }
  const encoded = choices.map((continuation, index) =>
    encodeContinuation({ id, context: contexts[index] ?? '', continuation }, encoding),
  );
  return {
    choices: encoded.map(({ tokens }) => tokens),
    starts: encoded.map(({ start }) => start),
    characters: choices.map((choice) => [...choice.replace(/^ /, '')].length),
    label,
  };
}

/**
 * A text in windows. Without a stride they do not overlap and the remainder is omitted, as in the papers on GPTQ,
 * https://arxiv.org/abs/2210.17323, and SparseGPT; with a stride as in
 * https://huggingface.co/docs/transformers/perplexity. Throws InputError for a text shorter than two tokens.
 */
export function encodeWindows(
  { id, text }: Pick<DatasetRow, 'id' | 'text'>,
  { longest, stride }: { readonly longest: number; readonly stride?: number },
  { tokenizer, contextLength }: DecoderEncoding,
): TextItem[] {
  const tokens = afterBegin(tokenizer, tokenizer.encode(text));
  const length = Math.min(longest, contextLength, tokens.length);
  const step = Math.min(stride ?? length, length);
  if (tokens.length < 2) throw new InputError(`row ${id}: perplexity needs at least two tokens, got ${tokens.length}`);
  const windows: TextItem[] = [];
  for (let begin = 0, predicted = 0; begin < tokens.length && predicted < tokens.length; begin += step) {
    const end = Math.min(begin + length, tokens.length);
    if (stride === undefined && end - begin < length) break;
    const start = Math.max(1, predicted - begin);
    if (start < end - begin) {
      const item = { id: `${id}-${String(windows.length).padStart(5, '0')}`, tokens: tokens.slice(begin, end) };
      windows.push(stride === undefined || start === 1 ? item : { ...item, start });
    }
    predicted = end;
  }
  return windows;
}
