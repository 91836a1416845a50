import { inflateRawSync, crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { writeNpy, writeNpz } from '../../../../methods/shared/external/npz.ts';

/** Entries of an archive by its central directory, as a reader finds them. */
function readZip(bytes: Buffer): Map<string, Buffer> {
  const end = bytes.lastIndexOf('PK\u0005\u0006');
  const files = new Map<string, Buffer>();
  let at = bytes.readUInt32LE(end + 16);
  for (let entry = 0; entry < bytes.readUInt16LE(end + 10); entry++) {
    expect(bytes.toString('latin1', at, at + 4)).toBe('PK\u0001\u0002');
    const [method, sum, size] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 16), bytes.readUInt32LE(at + 20)];
    const nameLength = bytes.readUInt16LE(at + 28);
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const stored = bytes.subarray(start, start + size);
    const file = method === 0 ? stored : inflateRawSync(stored);
    expect(crc32(file)).toBe(sum);
    files.set(bytes.toString('utf8', at + 46, at + 46 + nameLength), file);
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  expect(at).toBe(end);
  return files;
}

describe('writeNpz', () => {
  it('contains each array under its name, complete', () => {
    const arrays = {
      first: { shape: [2, 3], values: Int32Array.of(1, -2, 3, 4, 5, 6) },
      second: { shape: [2], values: BigInt64Array.of(-1n, 2n ** 40n) },
    };
    const files = readZip(writeNpz(arrays));
    expect([...files.keys()]).toEqual(['first.npy', 'second.npy']);
    expect(files.get('first.npy')).toEqual(writeNpy(arrays.first));
    expect(files.get('second.npy')).toEqual(writeNpy(arrays.second));
  });
});

describe('writeNpy', () => {
  it.each([
    [
      { shape: [2, 3], values: new Float32Array([1, 2, 3, 4, 5, 6.5]) },
      "'<f4', 'fortran_order': False, 'shape': (2, 3)",
    ],
    [{ shape: [2], values: BigInt64Array.of(1n, -1n) }, "'<i8', 'fortran_order': False, 'shape': (2,)"],
  ])('begins the data at a multiple of 64 after a header that describes them', (array, header) => {
    const bytes = writeNpy(array);
    expect([...bytes.subarray(0, 8)]).toEqual([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
    const start = 10 + bytes.readUInt16LE(8);
    expect(start % 64).toBe(0);
    const text = bytes.toString('latin1', 10, start);
    expect(text).toContain(header);
    expect(text.endsWith('\n')).toBe(true);
    const { values } = array;
    expect(bytes.subarray(start)).toEqual(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  });
});
