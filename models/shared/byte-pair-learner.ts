/**
 * Learns merges from text: repeatedly, the most frequent pair of neighbours becomes a token (Sennrich et al. 2016,
 * https://arxiv.org/abs/1508.07909, algorithm 1). Ties go to the pair with the smaller ids, so that the result depends
 * on the text alone.
 */
import { InputError } from '../../contracts/errors.ts';
import { byteTokens, cutIntoWords, FIRST_BYTE, type MergePair } from './byte-pair-tokenizer.ts';

/** Pairs have the key left · PAIR_BASE + right; vocabularies are smaller than this. */
const PAIR_BASE = 1 << 20;

interface Word {
  readonly tokens: number[];
  readonly count: number;
}

/** Throws InputError when the text has no pair left to merge before the vocabulary is full. */
export function learnBytePairs(texts: Iterable<string>, vocabularySize: number): readonly MergePair[] {
  const counts = new Map<string, number>();
  for (const text of texts) for (const word of cutIntoWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const words: readonly Word[] = Array.from(counts, ([word, count]) => ({ tokens: byteTokens(word), count }));
  const firstMerge = FIRST_BYTE + 256;
  const merges: MergePair[] = [];
  while (firstMerge + merges.length < vocabularySize) {
    const best = mostFrequentPair(words);
    if (best === undefined) {
      throw new InputError(
        `learnBytePairs: no pair left after ${merges.length} merges; request ${firstMerge + merges.length} tokens or provide more text`,
      );
    }
    const pair = [Math.floor(best / PAIR_BASE), best % PAIR_BASE] as const;
    for (const { tokens } of words) replacePair(tokens, pair, firstMerge + merges.length);
    merges.push(pair);
  }
  return merges;
}

function mostFrequentPair(words: readonly Word[]): number | undefined {
  const counts = new Map<number, number>();
  for (const { tokens, count } of words) {
    for (let index = 0; index + 1 < tokens.length; index++) {
      const pair = tokens[index]! * PAIR_BASE + tokens[index + 1]!;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: number | undefined;
  let bestCount = 0;
  for (const [pair, count] of counts) {
    if (count < bestCount || (count === bestCount && best !== undefined && pair > best)) continue;
    best = pair;
    bestCount = count;
  }
  return best;
}

/** In place, from the left. */
function replacePair(tokens: number[], [left, right]: MergePair, merged: number): void {
  let kept = 0;
  for (let index = 0; index < tokens.length; index++) {
    const joins = tokens[index] === left && tokens[index + 1] === right;
    tokens[kept++] = joins ? merged : tokens[index]!;
    if (joins) index++;
  }
  tokens.length = kept;
}
