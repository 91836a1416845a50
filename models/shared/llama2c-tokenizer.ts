/**
 * The tokenizer of llama2.c: SentencePiece-style BPE over characters with byte fallback.
 * Source: https://github.com/karpathy/llama2.c, run.c, build_tokenizer() and encode(). Merges are found with a heap
 * instead of one scan per merge, in the same order: best score first, leftmost among equals.
 */
import { InputError } from '../../contracts/errors.ts';
import type { Tokenizer } from '../../engine/definitions/model.ts';
import { createMergeQueue } from './merge-queue.ts';

/** SentencePiece's ids of Llama: <unk>, <s>, </s>, then the 256 bytes. */
const BEGIN_OF_SEQUENCE = 1;
const END_OF_SEQUENCE = 2;
const FIRST_BYTE = 3;

export type Llama2cTokenizer = Tokenizer & { readonly beginOfSequence: number; readonly endOfSequence: number };

const MERGED_AWAY = -1;

/** Longest accepted token: Llama's own vocabulary stays below 100 bytes; a longer one means another kind of file. */
const MAX_TOKEN_BYTES = 4096;

/**
 * Reads tokenizer.bin: int32 longest token, then for each token float32 score, int32 length, bytes.
 * Throws InputError when the file is truncated or of another kind.
 */
export function readLlama2cTokenizer(bytes: Uint8Array): Llama2cTokenizer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces: Uint8Array[] = [];
  const scores: number[] = [];
  let offset = 4;
  while (offset < bytes.byteLength) {
    const length = offset + 8 <= bytes.byteLength ? view.getInt32(offset + 4, true) : -1;
    const end = offset + 8 + length;
    if (length < 0 || length > MAX_TOKEN_BYTES || end > bytes.byteLength) {
      throw new InputError(
        `llama2.c tokenizer: token ${pieces.length} at byte ${offset} does not fit a file of ${bytes.byteLength} bytes; fetch it again`,
      );
    }
    scores.push(view.getFloat32(offset, true));
    pieces.push(bytes.subarray(offset + 8, end));
    offset = end;
  }
  if (pieces.length < FIRST_BYTE + 256) {
    throw new InputError(
      `llama2.c tokenizer: expected at least ${FIRST_BYTE + 256} tokens, got ${pieces.length}; fetch the file again`,
    );
  }
  return createLlama2cTokenizer(pieces, scores);
}

function createLlama2cTokenizer(pieces: readonly Uint8Array[], scores: readonly number[]): Llama2cTokenizer {
  const vocabularySize = pieces.length;
  const text = new TextDecoder();
  const idOf = new Map<string, number>();
  const names = pieces.map((piece) => text.decode(piece));
  // Special tokens are never produced from text, so they are not in the table.
  for (let id = FIRST_BYTE; id < vocabularySize; id++) {
    const name = names[id]!;
    if (!idOf.has(name)) idOf.set(name, id);
  }
  const mergedPairs = new Map<number, number>();

  /** The token for `left` followed by `right`, or -1. */
  function mergeOf(left: number, right: number): number {
    const key = left * vocabularySize + right;
    let merged = mergedPairs.get(key);
    if (merged === undefined) {
      merged = idOf.get(`${names[left]}${names[right]}`) ?? -1;
      mergedPairs.set(key, merged);
    }
    return merged;
  }

  function encode(input: string): Int32Array {
    if (input === '') return new Int32Array(0);
    const symbols: number[] = [];
    // The leading space is SentencePiece's dummy prefix.
    for (const character of ` ${input}`) {
      const id = idOf.get(character);
      if (id === undefined) for (const byte of Buffer.from(character)) symbols.push(FIRST_BYTE + byte);
      else symbols.push(id);
    }
    return Int32Array.from(mergeAll(symbols));
  }

  function mergeAll(symbols: number[]): number[] {
    const count = symbols.length;
    const next = Int32Array.from(symbols, (_, index) => index + 1);
    const previous = Int32Array.from(symbols, (_, index) => index - 1);
    const queue = createMergeQueue();
    const offer = (left: number): void => {
      const right = left < 0 ? count : next[left]!;
      if (right >= count) return;
      const merged = mergeOf(symbols[left]!, symbols[right]!);
      if (merged >= 0) queue.push({ score: scores[merged]!, left, right, merged });
    };
    for (let index = 0; index + 1 < count; index++) offer(index);
    for (let best = queue.pop(); best; best = queue.pop()) {
      const { left, right, merged } = best;
      // Outdated when either half was merged or changed since.
      if (symbols[left] === MERGED_AWAY || symbols[right] === MERGED_AWAY || next[left] !== right) continue;
      if (mergeOf(symbols[left]!, symbols[right]!) !== merged) continue;
      symbols[left] = merged;
      symbols[right] = MERGED_AWAY;
      const after = next[right]!;
      next[left] = after;
      if (after < count) previous[after] = left;
      offer(left);
      offer(previous[left]!);
    }
    return symbols.filter((id) => id !== MERGED_AWAY);
  }

  function decode(tokens: ArrayLike<number>): string {
    const parts: Uint8Array[] = [];
    for (const id of Array.from(tokens)) {
      const piece = pieces[id];
      if (!piece) {
        throw new InputError(
          `llama2.c tokenizer: token ${id} is not in 0..${vocabularySize - 1}; check the model's vocabulary`,
        );
      }
      if (id === BEGIN_OF_SEQUENCE || id === END_OF_SEQUENCE) continue;
      const isByte = id >= FIRST_BYTE && id < FIRST_BYTE + 256;
      parts.push(isByte ? Uint8Array.of(id - FIRST_BYTE) : piece);
    }
    const decoded = text.decode(Buffer.concat(parts));
    return decoded.startsWith(' ') ? decoded.slice(1) : decoded;
  }

  return { vocabularySize, beginOfSequence: BEGIN_OF_SEQUENCE, endOfSequence: END_OF_SEQUENCE, encode, decode };
}
