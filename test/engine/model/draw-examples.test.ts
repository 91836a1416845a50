import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import type { Tokenizer } from '../../../engine/definitions/model.ts';
import { drawExamples, encodeExamples } from '../../../engine/model/draw-examples.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';

/** One token per character, its code. */
const tokenizer: Tokenizer = {
  vocabularySize: 128,
  beginOfSequence: 1,
  endOfSequence: 2,
  encode: (text) => Int32Array.from(text, (character) => character.charCodeAt(0)),
  decode: (tokens) => String.fromCharCode(...Array.from(tokens)),
};
const rows = Array.from({ length: 40 }, (_, index) => ({
  id: String(index),
  text: String.fromCharCode(40 + index).repeat(3 + (index % 7)),
}));
const base = { dataset: 'letters', rows, tokenizer, contextLength: 8, kind: 'decoder' as const };
const draw = (tokenBudget: number, seed: number | string = 0) =>
  drawExamples({ ...base, tokenBudget, random: createRandom(seed) });

describe('encodeExamples', () => {
  it('puts begin-of-sequence first and truncates at the context length, in the order of the rows', () => {
    const { examples, tokenCount } = encodeExamples(base);
    expect(examples).toHaveLength(40);
    expect(Array.from(examples[0]?.tokens ?? [])).toEqual([1, 40, 40, 40]);
    expect(Array.from(examples[6]?.tokens ?? [])).toEqual([1, 46, 46, 46, 46, 46, 46, 46]);
    expect(tokenCount).toBe(examples.reduce((sum, { tokens }) => sum + tokens.length, 0));
  });

  it('keeps labels', () => {
    const labelled = encodeExamples({ ...base, rows: [{ id: 'x', text: 'ab', label: 1 }] });
    expect(labelled.examples[0]?.label).toBe(1);
    const other = encodeExamples({ ...base, rows: [{ id: 'x', text: 'ab', label: 0 }] });
    expect(other.contentHash).not.toBe(labelled.contentHash);
  });
});

describe('drawExamples', () => {
  it('meets the token budget exactly, without repeated rows, each a prefix of a row', () => {
    for (const budget of [2, 17, 100, 150]) {
      const { examples, tokenCount } = draw(budget);
      expect(Math.abs(tokenCount - budget)).toBeLessThanOrEqual(1);
      expect(tokenCount).toBeLessThanOrEqual(budget);
      const letters = examples.map(({ tokens }) => tokens[1]);
      expect(new Set(letters).size).toBe(letters.length);
      for (const { tokens } of examples) {
        expect(tokens.length).toBeGreaterThanOrEqual(2);
        expect(tokens.length).toBeLessThanOrEqual(8);
        expect(tokens[0]).toBe(1);
      }
    }
  });

  it('is the same for the same seed and different for another', () => {
    expect(draw(100)).toEqual(draw(100));
    expect(draw(100).contentHash).not.toBe(draw(100, 1).contentHash);
    expect(draw(100).contentHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('draws from the whole set of rows', () => {
    const seen = new Set<number | undefined>();
    for (let seed = 0; seed < 60; seed++) seen.add(draw(8, seed).examples[0]?.tokens[1]);
    expect(seen.size).toBeGreaterThan(20);
  });

  it('refuses a budget that exceeds the rows, with both figures', () => {
    const { tokenCount } = encodeExamples(base);
    expect(draw(tokenCount).tokenCount).toBe(tokenCount);
    expect(() => draw(tokenCount + 2)).toThrow(InputError);
    expect(() => draw(1_000)).toThrow(`letters: 40 rows hold ${tokenCount} tokens, expected at least 1000`);
  });
});
