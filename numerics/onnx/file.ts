/**
 * ONNX files on disk, with weights in a separate file beside them where they do not fit into one file.
 * https://onnx.ai/onnx/repo-docs/ExternalData.html
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { InputError, IntegrityError } from '../../contracts/errors.ts';
import type { OnnxModel } from './graph.ts';
import { readModel } from './read.ts';
import type { ExternalData } from './read-tensor.ts';
import { encodeModel, MAX_MODEL_BYTES } from './write.ts';
import type { ExternalPlace } from './write-tensor.ts';

/** Linux moves at most 2 GiB - 4 KiB per call; Node refuses more than 2^31 - 1. */
const MAX_BYTES_PER_CALL = 2 ** 30;

/** Alignment that lets a runtime map each tensor: ExternalData.html asks for multiples of the page size. */
const EXTERNAL_ALIGNMENT = 4096;

/**
 * Smaller tensors stay inside when weights are external; shapes and scalars can then be read without the second file.
 */
const SMALLEST_EXTERNAL_BYTES = 1024;

function readRange(file: number, start: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const got = fs.readSync(file, bytes, done, Math.min(length - done, MAX_BYTES_PER_CALL), start + done);
    if (got === 0) break;
    done += got;
  }
  return done === length ? bytes : bytes.subarray(0, done);
}

function writeAll(file: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.byteLength) {
    done += fs.writeSync(file, bytes, done, Math.min(bytes.byteLength - done, MAX_BYTES_PER_CALL));
  }
}

function sha1Of(file: number, sizeBytes: number): string {
  const hash = createHash('sha1');
  for (let start = 0; start < sizeBytes; start += MAX_BYTES_PER_CALL) {
    hash.update(readRange(file, start, Math.min(MAX_BYTES_PER_CALL, sizeBytes - start)));
  }
  return hash.digest('hex');
}

interface OpenFile {
  readonly descriptor: number;
  readonly sizeBytes: number;
  /** Total size of external data read so far; identical regions are read once. */
  takenBytes: number;
  readonly regions: Map<string, Uint8Array>;
}

/** The path of external data, which must be a file inside the model's directory after resolving links. */
function resolveInside(directory: string, location: string, where: string): string {
  const segments = location.split(/[/\\]/);
  if (location.includes('\0') || path.isAbsolute(location) || /^[a-zA-Z]:/.test(location) || segments.includes('..')) {
    throw new InputError(`${where} "${location}" leaves the model's directory; only files inside it are read`);
  }
  const root = fs.realpathSync(directory);
  let target: string;
  try {
    target = fs.realpathSync(path.join(root, location));
  } catch (cause) {
    throw new InputError(`${where}: no file "${location}" in ${root}; it belongs beside the model`, { cause });
  }
  if (!target.startsWith(root.endsWith(path.sep) ? root : root + path.sep)) {
    throw new InputError(`${where} "${location}" is a link that leads out of the model's directory to ${target}`);
  }
  if (!fs.statSync(target).isFile()) throw new InputError(`${where} "${location}" is not a file`);
  return target;
}

function openExternal(target: string, data: ExternalData, where: string): OpenFile {
  const descriptor = fs.openSync(target, 'r');
  const sizeBytes = fs.fstatSync(descriptor).size;
  if (data.checksum !== undefined) {
    const got = sha1Of(descriptor, sizeBytes);
    if (got !== data.checksum.toLowerCase()) {
      fs.closeSync(descriptor);
      throw new IntegrityError(
        `${where} "${data.location}": SHA-1 is ${got}, the model states ${data.checksum}; fetch it again`,
      );
    }
  }
  return { descriptor, sizeBytes, takenBytes: 0, regions: new Map() };
}

function takeRegion(file: OpenFile, { location, offset, length }: ExternalData, where: string): Uint8Array {
  const key = `${offset} ${length}`;
  const known = file.regions.get(key);
  if (known !== undefined) return known;
  if (offset + length > file.sizeBytes) {
    throw new InputError(
      `${where} "${location}": bytes ${offset} to ${offset + length} are past its end at ${file.sizeBytes}`,
    );
  }
  file.takenBytes += length;
  // Otherwise a small model could refer to the same large file a million times.
  if (file.takenBytes > file.sizeBytes) {
    throw new InputError(`${where} "${location}": tensors overlap and take more bytes than its ${file.sizeBytes}`);
  }
  const bytes = readRange(file.descriptor, offset, length);
  file.regions.set(key, bytes);
  return bytes;
}

/**
 * The model in a file, including its external data; each external tensor gets its own memory.
 * Throws InputError, also for data outside the model's directory, and IntegrityError for a wrong checksum.
 */
export function readModelFile(file: string): OnnxModel {
  const open = new Map<string, OpenFile>();
  try {
    const bytes = readWhole(file);
    return readModel(bytes, {
      where: path.basename(file),
      external(data, where) {
        const target = resolveInside(path.dirname(file), data.location, where);
        let source = open.get(target);
        if (source === undefined) {
          source = openExternal(target, data, where);
          open.set(target, source);
        }
        return takeRegion(source, data, where);
      },
    });
  } finally {
    for (const { descriptor } of open.values()) fs.closeSync(descriptor);
  }
}

function readWhole(file: string): Uint8Array {
  let descriptor: number;
  try {
    descriptor = fs.openSync(file, 'r');
  } catch (cause) {
    throw new InputError(`cannot open ONNX file ${file}: ${(cause as Error).message}`, { cause });
  }
  try {
    const stat = fs.fstatSync(descriptor);
    if (!stat.isFile()) throw new InputError(`${file} is not a file`);
    if (stat.size > MAX_MODEL_BYTES) {
      throw new InputError(`${file} has ${stat.size} bytes, an ONNX file holds at most ${MAX_MODEL_BYTES}`);
    }
    return readRange(descriptor, 0, stat.size);
  } finally {
    fs.closeSync(descriptor);
  }
}

export interface WriteFileOptions {
  /**
   * Initializers of at least this many bytes are stored in `<file name>.data` beside the model. By default all stay
   * inside if the model fits into one file; otherwise those of 1 KiB and more are external.
   */
  readonly externalFromBytes?: number;
}

/**
 * Bytes of the model's initializers; the model is certain to fit into one file only if they are well below the limit.
 */
function initializerBytes(model: OnnxModel): number {
  let sum = 0;
  for (const tensor of model.graph.initializers.values()) if (tensor.dtype !== 'string') sum += tensor.bytes.byteLength;
  return sum;
}

/** Space reserved for nodes, names and types besides the weights. */
const RESERVED_BYTES = 2 ** 26;

/** Writes to a temporary name and renames at the end, so that readers never see a partial file. */
function writeFile(file: string, chunks: Iterable<Uint8Array>): void {
  const passing = `${file}.${process.pid}.partial`;
  const descriptor = fs.openSync(passing, 'w');
  try {
    for (const chunk of chunks) writeAll(descriptor, chunk);
    fs.closeSync(descriptor);
    fs.renameSync(passing, file);
  } catch (error) {
    fs.rmSync(passing, { force: true });
    throw error;
  }
}

/** Writes the model, with external weights if requested or needed. Returns the paths of the files written. */
export function writeModelFile(
  model: OnnxModel,
  file: string,
  { externalFromBytes }: WriteFileOptions = {},
): readonly string[] {
  const fits = initializerBytes(model) <= MAX_MODEL_BYTES - RESERVED_BYTES;
  const threshold = externalFromBytes ?? (fits ? Infinity : SMALLEST_EXTERNAL_BYTES);
  const dataFile = `${file}.data`;
  const pieces: Uint8Array[] = [];
  let position = 0;
  const places = new Map<string, ExternalPlace>();
  for (const [name, tensor] of model.graph.initializers) {
    if (tensor.dtype === 'string' || tensor.bytes.byteLength < Math.max(threshold, 1)) continue;
    const padding = (EXTERNAL_ALIGNMENT - (position % EXTERNAL_ALIGNMENT)) % EXTERNAL_ALIGNMENT;
    if (padding > 0) pieces.push(new Uint8Array(padding));
    position += padding;
    places.set(name, { location: path.basename(dataFile), offset: position, length: tensor.bytes.byteLength });
    pieces.push(tensor.bytes);
    position += tensor.bytes.byteLength;
  }
  const chunks = encodeModel(model, (name) => places.get(name));
  if (pieces.length > 0) writeFile(dataFile, pieces);
  writeFile(file, chunks);
  return pieces.length > 0 ? [file, dataFile] : [file];
}
