/**
 * Named columns of numbers or strings as one blob: JSON of the layout, a zero byte, then the numeric columns, all
 * compressed with zstd. A numeric column is stored by byte plane, least significant first (byte 0 of every value, then
 * byte 1 of every value …), since bytes of equal significance are similar: u32 for non-negative integers below 2^32,
 * f64 for all others; lossless.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { IntegrityError } from '../contracts/errors.ts';

export type Columns = Readonly<Record<string, readonly number[] | readonly string[]>>;

type Layout =
  | { readonly name: string; readonly type: 'string'; readonly values: readonly string[] }
  | { readonly name: string; readonly type: 'u32' | 'f64'; readonly length: number };

/** Limit against a forged blob that decompresses without end; a million items in ten columns fit. */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;

export function packColumns(columns: Columns): Buffer {
  const layout: Layout[] = [];
  const planes: Buffer[] = [];
  for (const [name, values] of Object.entries(columns)) {
    if (values.some((value) => typeof value === 'string')) {
      layout.push({ name, type: 'string', values: values as readonly string[] });
      continue;
    }
    const numbers = values as readonly number[];
    const type = numbers.every(isUint32) ? 'u32' : 'f64';
    layout.push({ name, type, length: numbers.length });
    planes.push(splitPlanes(type === 'u32' ? Uint32Array.from(numbers) : Float64Array.from(numbers)));
  }
  return zstdCompressSync(Buffer.concat([Buffer.from(JSON.stringify(layout)), Buffer.alloc(1), ...planes]));
}

export function unpackColumns(blob: Buffer): Record<string, number[] | string[]> {
  const bytes = zstdDecompressSync(blob, { maxOutputLength: MAX_UNPACKED_BYTES });
  const layoutEnd = bytes.indexOf(0);
  const layout = JSON.parse(bytes.toString('utf8', 0, layoutEnd)) as readonly Layout[];
  const columns: Record<string, number[] | string[]> = {};
  let offset = layoutEnd + 1;
  for (const column of layout) {
    if (column.type === 'string') {
      columns[column.name] = [...column.values];
      continue;
    }
    const values = column.type === 'u32' ? new Uint32Array(column.length) : new Float64Array(column.length);
    if (offset + values.byteLength > bytes.length) throw new IntegrityError(`column ${column.name}: blob is cut short`);
    joinPlanes(bytes.subarray(offset, offset + values.byteLength), values);
    offset += values.byteLength;
    columns[column.name] = Array.from(values);
  }
  return columns;
}

function isUint32(value: number): boolean {
  return value >>> 0 === value && !Object.is(value, -0);
}

function splitPlanes(values: Uint32Array | Float64Array): Buffer {
  const source = new Uint8Array(values.buffer);
  const width = values.BYTES_PER_ELEMENT;
  const planes = Buffer.alloc(source.length);
  for (let plane = 0, at = 0; plane < width; plane++) {
    for (let i = plane; i < source.length; i += width) planes[at++] = source[i]!;
  }
  return planes;
}

function joinPlanes(planes: Uint8Array, values: Uint32Array | Float64Array): void {
  const target = new Uint8Array(values.buffer);
  const width = values.BYTES_PER_ELEMENT;
  for (let plane = 0, at = 0; plane < width; plane++) {
    for (let i = plane; i < target.length; i += width) target[i] = planes[at++]!;
  }
}
