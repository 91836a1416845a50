/**
 * Byte-level byte-pair encoding: text is split into words with their leading space, and a word's UTF-8 bytes are merged
 * in the order in which the merges were learned. Every text has tokens, and decoding restores its bytes.
 * Sennrich et al. 2016, https://arxiv.org/abs/1508.07909; on bytes as in GPT-2 (Radford et al. 2019), except that the
 * splitting has no rule for English contractions.
 */
import { InputError } from '../../contracts/errors.ts';
import type { Tokenizer } from '../../engine/definitions/model.ts';
import { createMergeQueue } from './merge-queue.ts';

/** Special tokens have the first ids, in this order; the 256 bytes follow, then one id per merge. */
export const SPECIAL_TOKENS = ['<pad>', '<bos>', '<eos>', '<cls>', '<sep>', '<mask>'] as const;
export type SpecialToken = (typeof SPECIAL_TOKENS)[number];

export const FIRST_BYTE: number = SPECIAL_TOKENS.length;
const FIRST_MERGE = FIRST_BYTE + 256;

export interface BytePairTokenizer extends Tokenizer {
  readonly beginOfSequence: number;
  readonly endOfSequence: number;
  /** Pads rows to a common length; like all special tokens, never produced from text. */
  readonly padding: number;
  /** First token of a classifier's input, from which it reads the class. */
  readonly classification: number;
  /** Separates two segments. */
  readonly separator: number;
  readonly mask: number;
}

/** Two ids that become one. */
export type MergePair = readonly [left: number, right: number];

const FORMAT = 'shrinkrank-byte-pairs-1';

/** The vocabulary file: one merge per line, so that a change of the corpus shows as changed lines. */
export function writeBytePairs(merges: readonly MergePair[], learnedFrom: string): string {
  const lines = merges.map(([left, right]) => `    [${left}, ${right}]`).join(',\n');
  const header = [
    ['format', FORMAT],
    ['learnedFrom', learnedFrom],
  ].map((entry) => entry.map((part) => JSON.stringify(part)).join(': '));
  return `{\n  ${header.join(',\n  ')},\n  "merges": [\n${lines}\n  ]\n}\n`;
}

/**
 * Reads a vocabulary file. Throws InputError for another file, or when a merge refers to an id that does not exist yet.
 */
export function readBytePairTokenizer(bytes: Uint8Array): BytePairTokenizer {
  let file: { readonly format?: unknown; readonly merges?: unknown };
  try {
    file = JSON.parse(new TextDecoder().decode(bytes)) as typeof file;
  } catch (cause) {
    throw new InputError('byte-pair tokenizer: the vocabulary file is not JSON; learn it again', { cause });
  }
  if (file?.format !== FORMAT || !Array.isArray(file.merges)) {
    throw new InputError(
      `byte-pair tokenizer: expected format ${FORMAT} with merges, got ${String(file?.format)}; learn it again`,
    );
  }
  file.merges.forEach((merge: unknown, index) => {
    const known = (id: unknown): boolean =>
      Number.isInteger(id) && (id as number) >= FIRST_BYTE && (id as number) < FIRST_MERGE + index;
    if (!Array.isArray(merge) || merge.length !== 2 || !merge.every(known)) {
      throw new InputError(
        `byte-pair tokenizer: merge ${index} is ${JSON.stringify(merge)}, expected two ids from ${FIRST_BYTE} to ` +
          `${FIRST_MERGE + index - 1}; learn the file again`,
      );
    }
  });
  return createBytePairTokenizer(file.merges as MergePair[]);
}

/** A space and letters, a space and digits, a space and signs, white space: every character is in exactly one piece. */
export function cutIntoWords(text: string): readonly string[] {
  return text.match(/ ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s/gu) ?? [];
}

/** The ids of a word before any merge. */
export function byteTokens(word: string): number[] {
  return Array.from(Buffer.from(word), (byte) => FIRST_BYTE + byte);
}

/** Number of words whose tokens are cached; further words are encoded each time. */
const REMEMBERED_WORDS = 65_536;

/** Longer words are not cached: they are rarely words. */
const LONGEST_REMEMBERED = 64;

export function createBytePairTokenizer(merges: readonly MergePair[]): BytePairTokenizer {
  const vocabularySize = FIRST_MERGE + merges.length;
  const pieces: Uint8Array[] = Array.from({ length: FIRST_MERGE }, (_, id) =>
    id < FIRST_BYTE ? new Uint8Array(0) : Uint8Array.of(id - FIRST_BYTE),
  );
  const mergedInto = new Map<number, number>(); // left · vocabulary + right → id
  for (const [left, right] of merges) {
    const key = left * vocabularySize + right;
    if (mergedInto.has(key))
      throw new InputError(`byte-pair tokenizer: ${left}, ${right} is merged twice; learn the file again`);
    mergedInto.set(key, pieces.length);
    pieces.push(Buffer.concat([pieces[left]!, pieces[right]!]));
  }
  const remembered = new Map<string, readonly number[]>();

  function encodeWord(word: string): readonly number[] {
    const known = remembered.get(word);
    if (known) return known;
    const tokens = joinTokens(byteTokens(word), (left, right) => mergedInto.get(left * vocabularySize + right));
    if (word.length <= LONGEST_REMEMBERED && remembered.size < REMEMBERED_WORDS) remembered.set(word, tokens);
    return tokens;
  }

  return {
    vocabularySize,
    padding: SPECIAL_TOKENS.indexOf('<pad>'),
    beginOfSequence: SPECIAL_TOKENS.indexOf('<bos>'),
    endOfSequence: SPECIAL_TOKENS.indexOf('<eos>'),
    classification: SPECIAL_TOKENS.indexOf('<cls>'),
    separator: SPECIAL_TOKENS.indexOf('<sep>'),
    mask: SPECIAL_TOKENS.indexOf('<mask>'),
    encode(text) {
      const tokens: number[] = [];
      for (const word of cutIntoWords(text)) for (const id of encodeWord(word)) tokens.push(id);
      return Int32Array.from(tokens);
    },
    decode(tokens) {
      const parts = Array.from(tokens, (id) => {
        const piece = pieces[id];
        if (piece) return piece;
        throw new InputError(
          `byte-pair tokenizer: token ${id} is not in 0..${vocabularySize - 1}; check the model's vocabulary`,
        );
      });
      return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parts));
    },
  };
}

const MERGED_AWAY = -1;

/** Merges neighbours: the pair learned earliest first, leftmost among equals. A heap avoids n² scans of long words. */
function joinTokens(tokens: number[], mergeOf: (left: number, right: number) => number | undefined): number[] {
  const count = tokens.length;
  const next = Int32Array.from(tokens, (_, index) => index + 1);
  const previous = Int32Array.from(tokens, (_, index) => index - 1);
  const queue = createMergeQueue();
  const offer = (left: number): void => {
    const right = left < 0 ? count : next[left]!;
    if (right >= count) return;
    const merged = mergeOf(tokens[left]!, tokens[right]!);
    if (merged !== undefined) queue.push({ score: -merged, left, right, merged });
  };
  for (let index = 0; index + 1 < count; index++) offer(index);
  for (let best = queue.pop(); best; best = queue.pop()) {
    const { left, right, merged } = best;
    // Outdated when either half was merged or changed since.
    if (tokens[left] === MERGED_AWAY || tokens[right] === MERGED_AWAY || next[left] !== right) continue;
    if (mergeOf(tokens[left]!, tokens[right]!) !== merged) continue;
    tokens[left] = merged;
    tokens[right] = MERGED_AWAY;
    const after = next[right]!;
    next[left] = after;
    if (after < count) previous[after] = left;
    offer(left);
    offer(previous[left]!);
  }
  return tokens.filter((id) => id !== MERGED_AWAY);
}
