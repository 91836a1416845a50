import { describe, expect, it } from 'vitest';
import type { DatasetRow } from '../../../contracts/dataset.ts';
import { InputError } from '../../../contracts/errors.ts';
import type { Tokenizer } from '../../../engine/definitions/model.ts';
import { encodeWindows } from '../../../engine/model/encode-continuation.ts';
import { choiceItem, classificationItem, encodeRow, textItem } from '../../../engine/model/encode-row.ts';
import { taskItems } from '../../../engine/model/task-items.ts';

/** A token per character, from 10 on; "ab" is one token, so that a border may lie inside one. */
const tokenizer: Tokenizer = {
  vocabularySize: 200,
  beginOfSequence: 1,
  endOfSequence: 2,
  classification: 3,
  separator: 4,
  padding: 0,
  encode: (text) =>
    Int32Array.from(text.match(/ab|./gs) ?? [], (part) => (part === 'ab' ? 9 : 10 + part.charCodeAt(0) - 32)),
  decode: () => '',
};
const decoder = { tokenizer, contextLength: 8, kind: 'decoder' } as const;
const encoder = { ...decoder, kind: 'encoder' } as const;
const ids = (text: string): number[] => [...tokenizer.encode(text)];
const row = (parts: Partial<DatasetRow>): DatasetRow => ({ id: 'r', text: 'xyz', ...parts });

describe('encodeRow', () => {
  it('begins text with begin-of-sequence and truncates it to the context', () => {
    expect([...encodeRow(row({}), decoder).tokens]).toEqual([1, ...ids('xyz')]);
    expect([...encodeRow(row({ text: 'abcdefghijk' }), decoder).tokens]).toEqual([1, ...ids('abcdefgh')]);
    expect([...textItem(row({ slice: 's' }), decoder).tokens]).toEqual([1, ...ids('xyz')]);
  });

  it('continues a context with its correct choice, for calibration', () => {
    expect([...encodeRow(row({ choices: [' p', ' q'], label: 1 }), decoder).tokens]).toEqual([1, ...ids('xyz q')]);
  });

  it('puts segments between classification and separator tokens and truncates the first', () => {
    expect([...encodeRow(row({}), encoder).tokens]).toEqual([3, ...ids('xyz'), 4]);
    expect([...encodeRow(row({ pair: 'pq' }), encoder).tokens]).toEqual([3, ...ids('xyz'), 4, ...ids('pq'), 4]);
    expect([...encodeRow(row({ text: 'uvwxyz', pair: 'pq' }), encoder).tokens]).toEqual([
      3,
      ...ids('uvw'),
      4,
      ...ids('pq'),
      4,
    ]);
    expect(() => encodeRow(row({ pair: 'pqrstu' }), encoder)).toThrow(/row r: its second segment takes 7 of 8/);
  });

  it('returns where the second segment begins, after the tokens that the tokenizer puts in between', () => {
    expect(encodeRow(row({}), encoder)).not.toHaveProperty('secondSegment');
    expect(encodeRow(row({ pair: 'pq' }), encoder).secondSegment).toBe(5);
    const doubled = { ...encoder, tokenizer: { ...tokenizer, segmentBreak: [4, 4] } };
    expect([...encodeRow(row({ text: 'uvwxyz', pair: 'pq' }), doubled).tokens]).toEqual([
      3,
      ...ids('uv'),
      4,
      4,
      ...ids('pq'),
      4,
    ]);
    expect(encodeRow(row({ pair: 'pq' }), doubled).secondSegment).toBe(5);
  });

  it('begins with the text where the model was trained without a token that begins a sequence', () => {
    const { beginOfSequence: _, ...without } = tokenizer;
    const bare = { ...decoder, tokenizer: without };
    expect([...encodeRow(row({ text: 'abcdefghijk' }), bare).tokens]).toEqual(ids('abcdefghi'));
    const item = choiceItem(row({ text: 'uvwxyz', choices: [' pq', ' qr'], label: 0 }), bare);
    expect(item).toMatchObject({ starts: [6, 6] });
    expect(item.choices.map((tokens) => [...tokens])).toEqual([ids('uvwxyz pq'), ids('uvwxyz qr')]);
    const whole = row({ text: '', choices: ['p', 'q'], label: 0 });
    const { endOfSequence: _2, ...endless } = without;
    expect(() => choiceItem(whole, { ...bare, tokenizer: endless })).toThrow(/needs a token before it/);
    const prefixed = choiceItem(whole, { ...bare, tokenizer: { ...without, emptyContext: 7 } });
    expect(prefixed).toMatchObject({
      starts: [1, 1],
      choices: [Int32Array.of(7, ...ids('p')), Int32Array.of(7, ...ids('q'))],
    });
  });

  it('handles texts with more tokens than a call may have arguments', () => {
    const long = { ...decoder, contextLength: 400_000 };
    expect(encodeRow(row({ text: 'x'.repeat(300_000) }), long).tokens).toHaveLength(300_001);
  });

  it('refuses an encoder whose tokenizer has no separator', () => {
    const { separator: _, ...without } = tokenizer;
    expect(() => encodeRow(row({}), { ...encoder, tokenizer: without })).toThrow(/separator/);
  });
});

describe('choiceItem', () => {
  it('scores the tokens after the context', () => {
    const item = choiceItem(row({ choices: [' p', ' qr'], label: 1, slice: 'tail' }), decoder);
    expect(item).toMatchObject({ id: 'r', slice: 'tail', label: 1, starts: [4, 4], characters: [1, 2] });
    expect(item.choices.map((tokens) => [...tokens])).toEqual([
      [1, ...ids('xyz p')],
      [1, ...ids('xyz qr')],
    ]);
  });

  it('scores the tokens after the length of the context alone, also where a choice changes its last token', () => {
    const item = choiceItem(row({ text: 'xa', choices: ['bcd', 'cd'], label: 0 }), decoder);
    expect(item.choices.map((tokens) => [...tokens])).toEqual([
      [1, ...ids('x'), 9, ...ids('cd')],
      [1, ...ids('xacd')],
    ]);
    expect(item.starts).toEqual([3, 3]);
  });

  it('moves blanks at the end of a context to the continuation, and allows one context per choice', () => {
    const contexts = ['x ', 'yz'];
    const item = choiceItem(row({ contexts, choices: ['p', ' q'], label: 0 }), decoder);
    expect(item.choices.map((tokens) => [...tokens])).toEqual([
      [1, ...ids('x p')],
      [1, ...ids('yz q')],
    ]);
    expect(item.starts).toEqual([2, 3]);
  });

  it('scores whole sentences where there is no context', () => {
    const item = choiceItem(row({ text: '', choices: ['pq', 'pr'], label: 0 }), decoder);
    expect(item.starts).toEqual([1, 1]);
  });

  it('truncates a long context at its beginning, so that all but the last token fit', () => {
    const item = choiceItem(row({ text: 'stuvwxyz', choices: ['p', 'qr'], label: 0 }), decoder);
    expect(item.choices.map((tokens) => [...tokens])).toEqual([[...ids('stuvwxyzp')], [...ids('tuvwxyzqr')]]);
    expect(item.starts).toEqual([8, 7]);
  });

  it('refuses choices that do not fit, add nothing, or have no right one', () => {
    expect(() => choiceItem(row({ choices: ['p', 'qrstuvwxy'], label: 0 }), decoder)).toThrow(/fit into 8/);
    expect(() => choiceItem(row({ choices: ['p', ''], label: 0 }), decoder)).toThrow(/must add tokens/);
    expect(() => choiceItem(row({ choices: ['p', 'q'], label: 2 }), decoder)).toThrow(InputError);
    expect(() => choiceItem(row({ choices: ['p', 'q'], label: 0 }), encoder)).toThrow(/needs a model of kind decoder/);
  });
});

describe('encodeWindows', () => {
  const text = { id: 'r', text: 'abcdefghijk'.replaceAll('ab', 'xy') };
  const tokens = [1, ...ids(text.text)];

  it('splits a text into sequences that do not overlap, without the remainder', () => {
    const windows = encodeWindows(text, { longest: 5 }, decoder);
    expect(windows.map((window) => [...window.tokens])).toEqual([tokens.slice(0, 5), tokens.slice(5, 10)]);
    expect(windows.map(({ start }) => start)).toEqual([undefined, undefined]);
    expect(encodeWindows(text, { longest: 99 }, decoder).map((window) => window.tokens.length)).toEqual([8]);
  });

  it('predicts each token once where they overlap', () => {
    const windows = encodeWindows(text, { longest: 5, stride: 3 }, decoder);
    const predicted = windows.flatMap((window) => [...window.tokens.subarray(window.start ?? 1)]);
    expect(predicted).toEqual(tokens.slice(1));
    expect(windows.map((window) => window.start ?? 1)).toEqual([1, 2, 2, 2]);
  });
});

describe('taskItems', () => {
  const task = { id: 't', dataset: 'd', metric: 'classification-accuracy', slices: ['a', 'b'] } as const;

  it('encodes one item per row and keeps the order of the slices', () => {
    const rows = [row({ label: 2, slice: 'b', pair: 'p' }), row({ id: 's', label: 0, slice: 'a' })];
    const items = taskItems(task, rows, encoder);
    expect(items).toMatchObject({ metric: 'classification-accuracy', slices: ['a', 'b'] });
    expect(items.items.map(({ id, slice }) => [id, slice])).toEqual([
      ['r', 'b'],
      ['s', 'a'],
    ]);
    expect(items.items[0]).toMatchObject({ label: 2, tokens: Int32Array.of(3, ...ids('xyz'), 4, ...ids('p'), 4) });
  });

  it('takes a fixed random sample where the task has a limit', () => {
    const rows = Array.from({ length: 50 }, (_, i) => row({ id: `r${i}`, label: 0 }));
    const idsOf = (limit: number) =>
      taskItems({ id: 't', dataset: 'd', metric: 'classification-accuracy', limit }, rows, encoder).items.map(
        ({ id }) => id,
      );
    expect(idsOf(10)).toHaveLength(10);
    expect(idsOf(10)).toEqual(idsOf(10));
    expect(idsOf(10)).not.toEqual(rows.slice(0, 10).map(({ id }) => id));
    expect(rows.map(({ id }) => id).filter((id) => idsOf(10).includes(id))).toEqual(idsOf(10));
    expect(idsOf(99)).toHaveLength(50);
  });

  it('refuses rows of a slice the task does not name, without a label, or of another kind of model', () => {
    expect(() => taskItems(task, [row({ label: 0, slice: 'c' })], encoder)).toThrow(/row r is of slice c/);
    expect(() => classificationItem(row({}), encoder)).toThrow(/label/);
    expect(() => taskItems(task, [row({ label: 0, slice: 'a' })], decoder)).toThrow(/needs a model of kind encoder/);
    expect(() => taskItems({ id: 't', dataset: 'd', metric: 'perplexity' }, [row({})], encoder)).toThrow(
      /needs a model of kind decoder/,
    );
  });
});
