/** Held against Python's tokenizers: test/golden/tokenizers/make.py. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeRow } from '../../../engine/model/encode-row.ts';
import { readTokenizerJson } from '../../../models/shared/tokenizer-json.ts';
import { filesInMemory } from '../../../engine/model/files-in-memory.ts';
import { folderFiles } from '../../support/model-files.ts';

const GOLDEN = new URL('../../golden/tokenizers/', import.meta.url);
const names = readdirSync(GOLDEN, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
const read = (name: string) => readTokenizerJson(folderFiles(new URL(name, GOLDEN).pathname));

interface Golden {
  readonly cases: readonly { readonly text: string; readonly ids: readonly number[] }[];
  readonly one: readonly number[];
  readonly pair: readonly number[];
}
const golden = (name: string) => JSON.parse(readFileSync(new URL(`${name}/golden.json`, GOLDEN), 'utf8')) as Golden;

describe.each(names)('readTokenizerJson on %s', (name) => {
  it.each(golden(name).cases)('gives the same ids as Python: %j', async ({ text, ids }) => {
    expect([...(await read(name)).encode(text)]).toEqual(ids);
  });

  it('decodes what it encodes, nothing to nothing, and refuses unknown ids', async () => {
    const tokenizer = await read(name);
    expect(tokenizer.decode(tokenizer.encode('reads models'))).toBe('reads models');
    expect(tokenizer.decode([])).toBe('');
    expect(() => tokenizer.decode([tokenizer.vocabularySize])).toThrow(/is not in 0\.\./);
  });

  it('adds the same special tokens as Python', async () => {
    const tokenizer = await read(name);
    const kind = tokenizer.classification === undefined ? 'decoder' : 'encoder';
    const encoding = { tokenizer, contextLength: 64, kind } as const;
    expect([...encodeRow({ id: 'r', text: 'a b' }, encoding).tokens]).toEqual(golden(name).one);
    if (kind === 'encoder')
      expect([...encodeRow({ id: 'r', text: 'a b', pair: 'c' }, encoding).tokens]).toEqual(golden(name).pair);
  });
});

describe('a tokenizer in files older than tokenizer.json', () => {
  type Files = Readonly<Record<string, unknown>>;
  const made = (files: Files) => {
    const bytes = Object.entries(files).map(
      ([path, content]) =>
        [path, Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))] as const,
    );
    return readTokenizerJson(filesInMemory('old', new Map(bytes)));
  };
  const whole = (name: string) =>
    JSON.parse(readFileSync(new URL(`${name}/tokenizer.json`, GOLDEN), 'utf8')) as {
      readonly model: {
        readonly vocab: Readonly<Record<string, number>>;
        readonly merges: readonly (string | string[])[];
      };
    };
  const settings = (name: string) =>
    JSON.parse(readFileSync(new URL(`${name}/tokenizer_config.json`, GOLDEN), 'utf8')) as Files;

  it('gives the same ids as Python for vocab.json and merges.txt, with the first token of tokenizer_config.json', async () => {
    const { vocab, merges } = whole('bpe').model;
    const lines = merges.map((pair) => (typeof pair === 'string' ? pair : pair.join(' ')));
    const files = { 'vocab.json': vocab, 'merges.txt': ['#version: 0.2', ...lines, ''].join('\n') };
    const tokenizer = await made({ ...files, 'tokenizer_config.json': settings('bpe') });
    for (const { text, ids } of golden('bpe').cases) expect([...tokenizer.encode(text)], text).toEqual(ids);
    expect(tokenizer).not.toHaveProperty('beginOfSequence');
    const [first = ''] = Object.keys(vocab);
    const begins = { add_bos_token: true, bos_token: { content: first } };
    expect(await made({ ...files, 'tokenizer_config.json': begins })).toMatchObject({ beginOfSequence: vocab[first] });
    await expect(made({ ...files, 'merges.txt': 'a b c' })).rejects.toThrow(/merges\.txt: "a b c" is no pair/);
    const stranger = { 'tokenizer_config.json': { bos_token: '<nobody>' } };
    await expect(made({ ...files, ...stranger })).rejects.toThrow(/has no token "<nobody>"/);
  });

  it('gives the same ids as Python for vocab.txt', async () => {
    const { vocab } = whole('word-piece').model;
    const words = Object.entries(vocab).sort(([, a], [, b]) => a - b);
    const tokenizer = await made({
      'vocab.txt': `${words.map(([word]) => word).join('\n')}\n`,
      'tokenizer_config.json': { do_lower_case: true },
    });
    for (const { text, ids } of golden('word-piece').cases) expect([...tokenizer.encode(text)], text).toEqual(ids);
    expect(tokenizer).toMatchObject({ classification: 2, separator: 3, padding: 0, mask: 4 });
    const encoding = { tokenizer, contextLength: 64, kind: 'encoder' } as const;
    expect([...encodeRow({ id: 'r', text: 'a b', pair: 'c' }, encoding).tokens]).toEqual(golden('word-piece').pair);
  });
});

it('knows the first, last, separating and padding tokens', async () => {
  const bytePair = await read('bpe');
  expect(bytePair).toMatchObject({ vocabularySize: 400, endOfSequence: 0 });
  // Nothing puts it before a text, so no model was trained with it there.
  expect(bytePair).not.toHaveProperty('beginOfSequence');
  expect(await read('word-piece')).toMatchObject({ classification: 2, separator: 3, padding: 0, mask: 4 });
  expect(await read('unigram')).toMatchObject({ beginOfSequence: 0, endOfSequence: 2, segmentBreak: [2, 2] });
});

it.each<[string, string, RegExp]>([
  ['no JSON', '{', /tokenizer\.json: cannot be used/],
  ['a list', '[]', /expected an object/],
  ['nested without end', `${'['.repeat(200_000)}`, /tokenizer\.json/],
  ['a model of another kind', '{"model":{"type":"WordLevel","vocab":{"a":0}}}', /of the type WordLevel are not read/],
  ['no vocabulary', '{"model":{"type":"BPE","merges":[]}}', /no vocabulary/],
  ['an id out of range', '{"model":{"type":"BPE","merges":[],"vocab":{"a":1e12}}}', /has the id 1000000000000/],
  ['an id that is no number', '{"model":{"type":"WordPiece","vocab":{"a":"b"}}}', /has the id b/],
  ['merges that are no pairs', '{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}}', /no pairs of tokens/],
  [
    'a pattern that is none',
    '{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated","invert":false}}',
    /tokenizer\.json: cannot be used/,
  ],
  [
    'a component nobody knows',
    '{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"normalizer":{"type":"Rot13"}}',
    /tokenizer\.json: cannot be used/,
  ],
])('readTokenizerJson refuses %s at once', async (_, text, message) => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
  try {
    writeFileSync(join(folder, 'tokenizer.json'), text);
    const startedMs = performance.now();
    await expect(readTokenizerJson(folderFiles(folder))).rejects.toThrow(message);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
