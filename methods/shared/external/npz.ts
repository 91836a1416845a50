/**
 * Writes NPZ: a ZIP archive, stored uncompressed, of NPY files.
 * NPY 1.0: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * ZIP: PKWARE APPNOTE 6.3.3, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).
 */
import { crc32 } from 'node:zlib';
import { UnsupportedError } from '../../../contracts/errors.ts';

export interface NpyArray {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Int32Array | BigInt64Array | Float32Array;
}

/** Largest 32-bit size in the archive; larger ones need ZIP64. */
const MOST_BYTES = 2 ** 32 - 1;
/** 1980-01-01, the earliest date of the format. A fixed date makes equal arrays give equal bytes. */
const DATE = 0x21;
const VERSION = 20;

/** Throws UnsupportedError for more than 4 GiB. */
export function writeNpz(arrays: Readonly<Record<string, NpyArray>>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, array] of Object.entries(arrays)) {
    const file = writeNpy(array);
    const entry = { name: Buffer.from(`${name}.npy`), sum: crc32(file), bytes: file.byteLength, offset };
    const header = localHeader(entry);
    parts.push(header, file);
    directory.push(centralHeader(entry));
    offset += header.byteLength + file.byteLength;
    if (offset > MOST_BYTES) {
      throw new UnsupportedError(
        `npz: ${name} ends at byte ${offset}, expected at most ${MOST_BYTES} without ZIP64; use fewer examples`,
      );
    }
  }
  const central = Buffer.concat(directory);
  return Buffer.concat([...parts, central, endOfDirectory(directory.length, { bytes: central.byteLength, offset })]);
}

export function writeNpy({ shape, values }: NpyArray): Buffer {
  const type = values instanceof Float32Array ? '<f4' : values instanceof Int32Array ? '<i4' : '<i8';
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${dims}), }`;
  // Magic, version and length take 10 bytes; the data begin at a multiple of 64.
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, length & 0xff, length >> 8]);
  const data = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return Buffer.concat([head, Buffer.from(`${text.padEnd(length - 1)}\n`), data]);
}

interface Entry {
  readonly name: Buffer;
  readonly sum: number;
  readonly bytes: number;
  readonly offset: number;
}

/** From "version needed" to "extra field length": the part that both headers share. */
function described({ name, sum, bytes }: Entry): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(VERSION, 0);
  fields.writeUInt16LE(DATE, 8);
  fields.writeUInt32LE(sum, 10);
  fields.writeUInt32LE(bytes, 14);
  fields.writeUInt32LE(bytes, 18);
  fields.writeUInt16LE(name.byteLength, 22);
  return fields;
}

function localHeader(entry: Entry): Buffer {
  return Buffer.concat([Buffer.from('PK\u0003\u0004'), described(entry), entry.name]);
}

function centralHeader(entry: Entry): Buffer {
  const rest = Buffer.alloc(14);
  rest.writeUInt32LE(entry.offset, 10);
  return Buffer.concat([Buffer.from('PK\u0001\u0002'), Buffer.from([VERSION, 0]), described(entry), rest, entry.name]);
}

function endOfDirectory(
  entries: number,
  { bytes, offset }: { readonly bytes: number; readonly offset: number },
): Buffer {
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006');
  end.writeUInt16LE(entries, 8);
  end.writeUInt16LE(entries, 10);
  end.writeUInt32LE(bytes, 12);
  end.writeUInt32LE(offset, 16);
  return end;
}
