import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { learnBytePairs } from '../../../models/shared/byte-pair-learner.ts';
import {
  createBytePairTokenizer,
  cutIntoWords,
  FIRST_BYTE,
  readBytePairTokenizer,
  SPECIAL_TOKENS,
  writeBytePairs,
} from '../../../models/shared/byte-pair-tokenizer.ts';

const [a, b, c] = [...Buffer.from('abc')].map((byte) => FIRST_BYTE + byte) as [number, number, number];
const merged = FIRST_BYTE + 256;

describe('cutIntoWords', () => {
  it('keeps every character in exactly one piece', () => {
    const text = "Well,  she  said: 'três 42x'\n\n\tno… 👩‍🚀\u0000 ";
    expect(cutIntoWords(text).join('')).toBe(text);
    expect(cutIntoWords('a lamp, 12 oars.')).toEqual(['a', ' lamp', ',', ' 12', ' oars', '.']);
    expect(cutIntoWords('a  b\nc')).toEqual(['a', ' ', ' b', '\n', 'c']);
  });
});

describe('createBytePairTokenizer', () => {
  it('merges the pair learned earliest first, wherever it occurs', () => {
    const bcFirst = createBytePairTokenizer([
      [b, c],
      [a, b],
    ]);
    expect([...bcFirst.encode('abc')]).toEqual([a, merged]);
    const abFirst = createBytePairTokenizer([
      [a, b],
      [b, c],
      [merged, c],
    ]);
    expect([...abFirst.encode('abc')]).toEqual([merged + 2]);
    expect([...abFirst.encode('bcab')]).toEqual([merged + 1, merged]);
  });

  it('merges from the left where pairs overlap', () => {
    const tokenizer = createBytePairTokenizer([[a, a]]);
    expect([...tokenizer.encode('aaa')]).toEqual([merged, a]);
    expect([...tokenizer.encode('aaaaa')]).toEqual([merged, merged, a]);
  });

  it('agrees with applying one merge after the other', () => {
    const random = createRandom('byte pairs');
    const texts = Array.from({ length: 60 }, () =>
      Array.from({ length: 1 + random.integer(40) }, () => 'abcd'.charAt(random.integer(4))).join(''),
    );
    const merges = learnBytePairs(texts, merged + 40);
    const tokenizer = createBytePairTokenizer(merges);
    for (const text of texts) {
      let expected = [...Buffer.from(text)].map((byte) => FIRST_BYTE + byte);
      merges.forEach(([left, right], index) => {
        const next: number[] = [];
        for (let at = 0; at < expected.length; at++) {
          const joins = expected[at] === left && expected[at + 1] === right;
          next.push(joins ? merged + index : (expected[at] as number));
          if (joins) at++;
        }
        expected = next;
      });
      expect([...tokenizer.encode(text)], text).toEqual(expected);
    }
  });

  it('restores any text, and spells unknown characters in bytes', () => {
    const tokenizer = createBytePairTokenizer([[a, b]]);
    for (const text of [
      '',
      'ab',
      ' ab ',
      'über 東京 👩‍🚀',
      '\uFEFFab',
      '\r\n\t \u00a0\u0000',
      'é\u0301'.repeat(50),
      '٣४ <bos>',
    ]) {
      const tokens = tokenizer.encode(text);
      expect(tokenizer.decode(tokens)).toBe(text);
      for (const id of tokens) expect(id).toBeGreaterThanOrEqual(FIRST_BYTE);
    }
  });

  it('has special tokens that no text produces and decoding drops', () => {
    const tokenizer = createBytePairTokenizer([]);
    const { padding, beginOfSequence, endOfSequence, classification, separator, mask, vocabularySize } = tokenizer;
    const special = [padding, beginOfSequence, endOfSequence, classification, separator, mask];
    expect(special).toEqual(SPECIAL_TOKENS.map((_, id) => id));
    expect(vocabularySize).toBe(SPECIAL_TOKENS.length + 256);
    expect(tokenizer.decode([...special, a, b])).toBe('ab');
    expect(() => tokenizer.decode([vocabularySize])).toThrow(
      `token ${vocabularySize} is not in 0..${vocabularySize - 1}`,
    );
  });
});

describe('readBytePairTokenizer', () => {
  const read = (text: string) => readBytePairTokenizer(Buffer.from(text));

  it('reads the output of writeBytePairs', () => {
    const written = writeBytePairs([[a, b]], 'a test');
    expect(JSON.parse(written)).toMatchObject({ learnedFrom: 'a test', merges: [[a, b]] });
    expect([...read(written).encode('ab')]).toEqual([merged]);
  });

  it.each([
    ['', 'is not JSON'],
    ['null', 'expected format'],
    ['{"format":"other","merges":[]}', 'got other'],
    [writeBytePairs([[a, merged]], ''), `merge 0 is [${a},${merged}]`],
    [writeBytePairs([[0, a]], ''), 'merge 0 is [0,'],
    [writeBytePairs([[a, b], [a, b]], ''), 'merged twice'], // prettier-ignore
  ])('refuses %j', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});
