import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import tinyworldGrammar from '../../../datasets/tinyworld-grammar.ts';
import tinyworld from '../../../datasets/tinyworld.ts';
import { learnBytePairs } from '../../../models/shared/byte-pair-learner.ts';
import { FIRST_BYTE, readBytePairTokenizer } from '../../../models/shared/byte-pair-tokenizer.ts';
import { learnVocabulary } from '../../../scripts/learn-byte-pairs.ts';
import { cachedHub } from '../../support/hub-cache.ts';

const ids = (text: string): number[] => [...Buffer.from(text)].map((byte) => FIRST_BYTE + byte);
const firstMerge = FIRST_BYTE + 256;

describe('learnBytePairs', () => {
  it('merges the most frequent pair, counted over all words', () => {
    const [l = 0, o = 0, w = 0] = ids('low');
    expect(learnBytePairs(['low low', 'lot', 'now'], firstMerge + 2)).toEqual([
      [l, o], // 3 times, as `ow`; the smaller ids win
      [firstMerge, w],
    ]);
  });

  it('does not merge across words', () => {
    expect(() => learnBytePairs(['a b'], firstMerge + 2)).toThrow('no pair left after 1 merges');
  });
});

describe('models/tinyworld/merges.json', () => {
  const bytes = readFileSync(new URL('../../../models/tinyworld/merges.json', import.meta.url));
  const tokenizer = readBytePairTokenizer(bytes);

  it('equals the script’s result on the training text, byte for byte', async () => {
    expect(bytes.toString()).toBe(await learnVocabulary(tinyworld));
  });

  it('has 1,024 tokens and encodes a word of TinyWorld in less than two', async () => {
    expect(tokenizer.vocabularySize).toBe(1024);
    const { test } = await tinyworld.load(cachedHub());
    const text = test.map((row) => row.text).join('\n');
    const tokens = tokenizer.encode(text);
    expect(tokenizer.decode(tokens)).toBe(text);
    const perWord = tokens.length / text.split(/\s+/).length;
    expect(perWord).toBeGreaterThan(1.2);
    expect(perWord).toBeLessThan(1.8);
  });

  it('encodes a text and its continuation separately as it does together', async () => {
    const { test } = await tinyworldGrammar.load(cachedHub());
    for (const { text, choices = [] } of test) {
      for (const choice of choices)
        expect([...tokenizer.encode(text), ...tokenizer.encode(choice)]).toEqual([...tokenizer.encode(text + choice)]);
    }
  });
});
