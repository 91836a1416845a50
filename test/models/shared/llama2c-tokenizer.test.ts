import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { readLlama2cTokenizer } from '../../../models/shared/llama2c-tokenizer.ts';

const BYTES = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
const SPECIAL = ['<unk>', '\n<s>\n', '\n</s>\n', ...BYTES];
const PIECES: readonly (readonly [string, number])[] = [
  ...SPECIAL.map((piece) => [piece, 0] as const),
  ...[' ', 'a', 'b', 'c', 'é', '<', '>'].map((piece) => [piece, -1e4] as const),
  ['ab', -3],
  ['bc', -2],
  ['abc', -5],
  [' a', -3],
  ['aa', -4],
  ['aaa', -4],
  ['cc', -2],
  [' ab', -6],
  ['bb', -4],
];
const FIRST_BYTE = 3;

function tokenizerFile(pieces: readonly (readonly [string, number])[]): Buffer {
  const records = pieces.map(([piece, score]) => {
    const bytes = Buffer.from(piece);
    const record = Buffer.alloc(8);
    record.writeFloatLE(score, 0);
    record.writeInt32LE(bytes.length, 4);
    return Buffer.concat([record, bytes]);
  });
  return Buffer.concat([Buffer.from(Int32Array.of(27).buffer), ...records]);
}

const tokenizer = readLlama2cTokenizer(tokenizerFile(PIECES));
const names = (ids: Int32Array): string[] => Array.from(ids, (id) => (PIECES[id] as readonly [string, number])[0]);

/** encode() of run.c: scan all neighbours, merge the best, first among equals, until none merges. */
function scanEncode(text: string): number[] {
  const find = (piece: string): number => PIECES.findIndex(([known], id) => id >= FIRST_BYTE && known === piece);
  const ids = Array.from(` ${text}`).flatMap((character) => {
    const id = find(character);
    return id >= 0 ? [id] : Array.from(Buffer.from(character), (byte) => FIRST_BYTE + byte);
  });
  for (;;) {
    let best = { score: -1e10, at: -1, id: -1 };
    for (let at = 0; at + 1 < ids.length; at++) {
      const id = find(PIECES[ids[at] as number]?.[0] + String(PIECES[ids[at + 1] as number]?.[0]));
      const score = PIECES[id]?.[1] ?? -Infinity;
      if (id >= 0 && score > best.score) best = { score, at, id };
    }
    if (best.at < 0) return ids;
    ids.splice(best.at, 2, best.id);
  }
}

describe('readLlama2cTokenizer', () => {
  it('puts a space before the text and merges the best-scored pair first, the leftmost among equals', () => {
    expect(names(tokenizer.encode('abc'))).toEqual([' a', 'bc']);
    // ' a' goes before 'ab' by its place, 'ab' before 'aa' by its score.
    expect(names(tokenizer.encode('aaab'))).toEqual([' a', 'a', 'ab']);
    expect(tokenizer.encode('')).toHaveLength(0);
  });

  it('spells characters outside the vocabulary in bytes', () => {
    expect(names(tokenizer.encode('é'))).toEqual([' ', 'é']);
    expect(names(tokenizer.encode('ü🙂'))).toEqual([' ', '<0xC3>', '<0xBC>', '<0xF0>', '<0x9F>', '<0x99>', '<0x82>']);
  });

  it('never produces a special token from text', () => {
    expect(Array.from(tokenizer.encode('\n<s>\n\n</s>\n<unk>')).filter((id) => id < FIRST_BYTE)).toEqual([]);
  });

  it('agrees with the scan of run.c on random text', () => {
    const random = createRandom('tokenizer');
    const letters = ['a', 'b', 'c', ' ', 'é', 'x', '<', '0', '>'];
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: 1 + random.integer(40) }, () => letters[random.integer(letters.length)]).join(
        '',
      );
      expect(Array.from(tokenizer.encode(text)), JSON.stringify(text)).toEqual(scanEncode(text));
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    }
  });

  it('drops begin and end of sequence when decoding, and refuses tokens outside the vocabulary', () => {
    const ids = [tokenizer.beginOfSequence, ...tokenizer.encode('  ab\n'), tokenizer.endOfSequence];
    expect(tokenizer.decode(ids)).toBe('  ab\n');
    expect(() => tokenizer.decode([9999])).toThrow(`token 9999 is not in 0..${PIECES.length - 1}`);
  });

  it('refuses files that are truncated or of another kind', () => {
    const file = tokenizerFile(PIECES);
    expect(() => readLlama2cTokenizer(file.subarray(0, -1))).toThrow(InputError);
    expect(() => readLlama2cTokenizer(file.subarray(0, 101))).toThrow(/does not fit a file of 101 bytes/);
    expect(() => readLlama2cTokenizer(tokenizerFile(PIECES.slice(0, 20)))).toThrow(/at least 259 tokens, got 20/);
    expect(() => readLlama2cTokenizer(Buffer.from('{"model": {"type": "BPE"}}'))).toThrow(InputError);
  });
});
