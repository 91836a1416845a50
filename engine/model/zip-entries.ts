/**
 * The entries of a zip file with uncompressed members, as written by torch.save, and the position of their bytes.
 * Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { InputError } from '../../contracts/errors.ts';
import type { RandomAccessFile } from '../definitions/model.ts';

export interface ZipEntry {
  /** Bytes [start, end) of the file. */
  readonly start: number;
  readonly end: number;
}

const END_RECORD = 0x06054b50;
const CENTRAL_RECORD = 0x02014b50;
const LOCAL_RECORD = 0x04034b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
/** Maximum length of the comment after the end record. */
const MAX_COMMENT_BYTES = 2 ** 16;
/** A model has some thousand tensors, each an entry of some hundred bytes. */
const MAX_DIRECTORY_BYTES = 16 * 2 ** 20;

/** By name. Throws InputError unless the file is a zip file of uncompressed entries below 4 GiB. */
export async function readZipEntries(file: RandomAccessFile): Promise<ReadonlyMap<string, ZipEntry>> {
  const fault = (what: string): InputError =>
    new InputError(`${file.label}: not a zip file as torch.save writes it: ${what}; fetch it again`);
  const tailStart = Math.max(0, file.sizeBytes - END_BYTES - MAX_COMMENT_BYTES);
  const tail = viewOf(await file.read(tailStart, file.sizeBytes));
  let at = tail.byteLength - END_BYTES;
  while (at >= 0 && tail.getUint32(at, true) !== END_RECORD) at--;
  if (at < 0) throw fault('it has no end record');
  const count = tail.getUint16(at + 10, true);
  const directoryBytes = tail.getUint32(at + 12, true);
  const directoryStart = tail.getUint32(at + 16, true);
  if (directoryBytes > MAX_DIRECTORY_BYTES || directoryStart + directoryBytes > tailStart + at) {
    throw fault(`its directory of ${directoryBytes} bytes at ${directoryStart} does not fit into ${file.sizeBytes}`);
  }
  const directory = viewOf(await file.read(directoryStart, directoryStart + directoryBytes));
  const entries = new Map<string, ZipEntry>();
  let next = 0;
  for (let entry = 0; entry < count; entry++) {
    if (next + CENTRAL_BYTES > directoryBytes || directory.getUint32(next, true) !== CENTRAL_RECORD) {
      throw fault(`entry ${entry} of its directory is broken`);
    }
    const [method, stored, size] = [10, 20, 24].map((offset) =>
      offset === 10 ? directory.getUint16(next + offset, true) : directory.getUint32(next + offset, true),
    ) as [number, number, number];
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) =>
      directory.getUint16(next + offset, true),
    ) as [number, number, number];
    const local = directory.getUint32(next + 42, true);
    const nameStart = directory.byteOffset + next + CENTRAL_BYTES;
    if (next + CENTRAL_BYTES + nameBytes > directoryBytes) throw fault(`entry ${entry} of its directory is broken`);
    const name = new TextDecoder().decode(new Uint8Array(directory.buffer, nameStart, nameBytes));
    if (method !== 0 || stored !== size) throw fault(`"${name.slice(0, 80)}" is compressed`);
    if (local + LOCAL_BYTES > file.sizeBytes) throw fault(`"${name.slice(0, 80)}" begins past its end`);
    const head = viewOf(await file.read(local, local + LOCAL_BYTES));
    if (head.getUint32(0, true) !== LOCAL_RECORD) throw fault(`"${name.slice(0, 80)}" is not where its directory says`);
    const start = local + LOCAL_BYTES + head.getUint16(26, true) + head.getUint16(28, true);
    if (start + size > file.sizeBytes) throw fault(`"${name.slice(0, 80)}" ends past its end`);
    entries.set(name, { start, end: start + size });
    next += CENTRAL_BYTES + nameBytes + extraBytes + commentBytes;
  }
  return entries;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
