import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTensors } from '../../../engine/model/safetensors.ts';
import { present } from '../../../contracts/present.ts';
import { writeSafetensors } from '../../../engine/model/write-safetensors.ts';
import { folderFiles } from '../../support/model-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

function fileOf(header: unknown, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  return Buffer.concat([length, json, data]);
}

const put = (bytes: Uint8Array, name = 'model.safetensors'): void => writeFileSync(join(folder, name), bytes);
const open = () => openTensors(folderFiles(folder));
const entry = (start: number, end: number, parts: Partial<Entry> = {}): Entry => ({
  dtype: 'F32',
  shape: [(end - start) / 4],
  data_offsets: [start, end],
  ...parts,
});

it('writeSafetensors writes what openTensors reads', async () => {
  const tensors = new Map([
    ['b', { dims: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ['a', { dims: [], values: Float32Array.of(-0.5) }],
  ]);
  put(writeSafetensors(tensors));
  const store = await open();
  expect([...store.tensors.keys()].sort()).toEqual(['a', 'b']);
  for (const [name, { dims, values }] of tensors) expect(await store.read(name, dims)).toEqual(values);
  expect(present(store.tensors.get('b'), 'b').start % 8).toBe(0);
  await store.close();
});

describe('openTensors', () => {
  it('reads float32, float16 and bfloat16 as float32, whatever the order of the header', async () => {
    const floats = new Uint8Array(Float32Array.of(1.5, -2, 3e-9).buffer);
    const halves = new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff).buffer);
    const brains = new Uint8Array(Uint16Array.of(0x3f80, 0xbfc0).buffer);
    put(
      fileOf(
        {
          brains: entry(20, 24, { dtype: 'BF16', shape: [2] }),
          __metadata__: { format: 'pt' },
          halves: entry(12, 20, { dtype: 'F16', shape: [2, 2] }),
          floats: entry(0, 12),
          empty: entry(24, 24, { shape: [0] }),
        },
        Buffer.concat([floats, halves, brains]),
      ),
    );
    const store = await open();
    expect([...store.tensors.keys()].sort()).toEqual(['brains', 'empty', 'floats', 'halves']);
    expect(await store.read('floats', [3])).toEqual(Float32Array.of(1.5, -2, 3e-9));
    expect(await store.read('halves', [2, 2])).toEqual(Float32Array.of(1, -2, 2 ** -24, 65504));
    expect(await store.read('brains', [2])).toEqual(Float32Array.of(1, -1.5));
    expect(await store.read('empty', [0])).toHaveLength(0);
    await expect(store.read('floats', [1, 3])).rejects.toThrow(/"floats" is \[3\], expected \[1, 3\]/);
    await expect(store.read('none', [3])).rejects.toThrow(/no tensor "none"/);
    await store.close();
  });

  it('reads shards by their index, and reports missing shards and duplicate tensors', async () => {
    const one = new Uint8Array(Float32Array.of(1).buffer);
    put(fileOf({ a: entry(0, 4) }, one), 'model-1.safetensors');
    put(fileOf({ b: entry(0, 4) }, one), 'model-2.safetensors');
    const index = (map: unknown) =>
      put(Buffer.from(JSON.stringify({ weight_map: map })), 'model.safetensors.index.json');
    index({ a: 'model-1.safetensors', b: 'model-2.safetensors' });
    const store = await open();
    expect(await store.read('b', [1])).toEqual(Float32Array.of(1));
    await store.close();
    index({ a: 'model-1.safetensors', b: 'model-3.safetensors' });
    await expect(open()).rejects.toThrow(/model-3.safetensors is missing/);
    put(fileOf({ a: entry(0, 4) }, one), 'model-3.safetensors');
    await expect(open()).rejects.toThrow(/"a" is in another shard too/);
    index([]);
    await expect(open()).rejects.toThrow(/expected "weight_map"/);
  });

  const data = new Uint8Array(16);
  it.each<[string, Uint8Array, RegExp]>([
    ['too short', new Uint8Array(5), /5 bytes are too few/],
    [
      'a header longer than the file',
      Buffer.from([200, 0, 0, 0, 0, 0, 0, 0, 123]),
      /header says 200 bytes, the file has 9/,
    ],
    ['a header of 2^63 bytes', Buffer.from([0, 0, 0, 0, 0, 0, 0, 128]), /limit 8388608/],
    ['no JSON', fileOf('{"a":'), /expected JSON/],
    [
      'bytes that are no UTF-8',
      Buffer.concat([fileOf('').subarray(0, 0), Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe])]),
      /expected JSON/,
    ],
    ['a list', fileOf([]), /no object/],
    ['an entry that is null', fileOf({ a: null }), /no known dtype/],
    ['an unknown dtype', fileOf({ a: entry(0, 16, { dtype: 'F31' }) }, data), /no known dtype \(F31\)/],
    ['a negative dimension', fileOf({ a: entry(0, 16, { shape: [-4] }) }, data), /no shape/],
    [
      'a shape that overflows',
      fileOf({ a: entry(0, 16, { shape: [2 ** 40, 2 ** 40] }) }, data),
      /needs .* bytes, has 16/,
    ],
    ['a tensor beyond the file', fileOf({ a: entry(0, 10 ** 12) }, data), /the file at/],
    ['an end before the start', fileOf({ a: entry(8, 4, { shape: [] }) }, data), /ends at byte/],
    ['overlapping tensors', fileOf({ a: entry(0, 12), b: entry(8, 16) }, data), /"b" overlaps/],
    ['a hole', fileOf({ a: entry(0, 4), b: entry(8, 16) }, data), /4 bytes before tensor "b" belong to none/],
    ['bytes behind the last tensor', fileOf({ a: entry(0, 4) }, data), /its tensors end at byte/],
  ])('refuses %s at once', async (_, bytes, message) => {
    put(bytes);
    const startedMs = performance.now();
    await expect(open()).rejects.toThrow(message);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });

  it('refuses a file that claims a terabyte of tensors, without reading it', async () => {
    put(fileOf({ a: entry(0, 2 ** 40) }));
    truncateSync(join(folder, 'model.safetensors'), 2 ** 30);
    const before = process.memoryUsage().rss;
    await expect(open()).rejects.toThrow(/ends at byte/);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  });

  it('refuses unsupported types when they are requested', async () => {
    put(fileOf({ a: entry(0, 16, { dtype: 'I64', shape: [2] }) }, data));
    const store = await open();
    await expect(store.read('a', [2])).rejects.toThrow(/is I64; expected F32, F16 or BF16/);
    await store.close();
  });
});
