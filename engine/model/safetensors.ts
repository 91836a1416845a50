/**
 * Reads the tensors of safetensors files one by one, in ranges of an open file, as float32.
 * Format: https://github.com/huggingface/safetensors#format: the header's length as a little-endian uint64, the header
 * as JSON, then the tensors' bytes, which cover the rest of the file without overlaps or gaps.
 */
import { InputError } from '../../contracts/errors.ts';
import { isRecord } from '../../contracts/is-record.ts';
import { fromFloat16Bits } from '../../numerics/tensor/float16.ts';
import type { ModelFiles, RandomAccessFile } from '../definitions/model.ts';
import { present } from '../../contracts/present.ts';
import { parseJson } from './parse-json.ts';
import { readPickledTensors } from './pickled-tensors.ts';
import { ELEMENT_BYTES, type StoredTensor } from './stored-tensor.ts';

/** Headers of the largest published shards are below 1 MiB; parsing this many bytes takes a fraction of a second. */
const MAX_HEADER_BYTES = 8 * 2 ** 20;

/** An index names each tensor once; that of a model of 100,000 tensors is below 16 MiB. */
const MAX_INDEX_BYTES = 16 * 2 ** 20;

/** More dimensions than any weight has. */
const MAX_DIMENSIONS = 8;

/** Bytes read at once: the memory used besides the float32 result. */
const CHUNK_BYTES = 16 * 2 ** 20;

/** The tensors of one checkpoint, in one file or several. */
export interface TensorStore {
  /** Types and shapes of the tensors, by name. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /**
   * Elements of a float32, float16 or bfloat16 tensor, row-major. Throws InputError if it is missing or has another
   * type or shape.
   */
  read(name: string, dims: readonly number[]): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * The tensors of `path`; where there is no such file, of the shards in `path`.index.json; otherwise of the file of
 * torch.save.
 * Throws InputError for invalid files: lengths beyond the file, overlapping tensors, a header too large.
 */
export async function openTensors(files: ModelFiles, path = 'model.safetensors'): Promise<TensorStore> {
  const names = await weightFiles(files, path);
  const opened: RandomAccessFile[] = [];
  const close = async (): Promise<void> => {
    for (const file of opened) await file.close();
  };
  try {
    const places = new Map<string, RandomAccessFile>();
    const all = new Map<string, StoredTensor>();
    for (const name of names) {
      const file = await files.open(name);
      opened.push(file);
      const read = name.endsWith('.bin') ? readPickledTensors : readSafetensorsHeader;
      for (const [tensor, stored] of await read(file)) {
        if (places.has(tensor)) {
          throw new InputError(`${file.label}: tensor "${tensor}" is in another shard too; fetch the checkpoint again`);
        }
        places.set(tensor, file);
        all.set(tensor, stored);
      }
    }
    return {
      tensors: all,
      close,
      async read(name, dims) {
        const [stored, file] = [all.get(name), places.get(name)];
        if (stored === undefined || file === undefined) {
          throw new InputError(
            `${names.join(', ')}: no tensor "${name}", expected [${dims.join(', ')}]; config.json and weights do not belong together`,
          );
        }
        if (stored.dims.join() !== dims.join()) {
          throw new InputError(
            `${file.label}: tensor "${name}" is [${stored.dims.join(', ')}], expected [${dims.join(', ')}]; config.json and weights do not belong together`,
          );
        }
        return readFloats(file, name, stored);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Weights written by torch.save, which older repositories have instead of safetensors. */
export const PICKLED_WEIGHTS = 'pytorch_model.bin';

async function weightFiles(files: ModelFiles, path: string): Promise<readonly string[]> {
  if (files.has(path)) return [path];
  const index = `${path}.index.json`;
  if (files.has(index)) return shardNames(files, index);
  return [files.has(PICKLED_WEIGHTS) ? PICKLED_WEIGHTS : path];
}

/** The shards an index names, each once. */
async function shardNames(files: ModelFiles, index: string): Promise<readonly string[]> {
  const bytes = await files.read(index, { maxBytes: MAX_INDEX_BYTES });
  const parsed = parseJson(bytes, index);
  const map = isRecord(parsed) ? parsed['weight_map'] : undefined;
  if (!isRecord(map) || !Object.values(map).every((name) => typeof name === 'string')) {
    throw new InputError(`${index}: expected "weight_map" from tensor to file name; fetch the file again`);
  }
  const names = [...new Set(Object.values(map) as string[])].sort();
  const missing = names.filter((name) => !files.has(name));
  if (names.length === 0 || missing.length > 0) {
    throw new InputError(
      `${index}: names ${names.length} shards, of which ${missing.join(', ') || 'none'} ${missing.length === 1 ? 'is' : 'are'} missing; fetch all of them`,
    );
  }
  return names;
}

/** The tensors that a file's header describes. Throws InputError where header and file disagree. */
export async function readSafetensorsHeader(file: RandomAccessFile): Promise<ReadonlyMap<string, StoredTensor>> {
  const fault = (what: string): InputError =>
    new InputError(`${file.label}: not a valid safetensors file: ${what}; fetch it again`);
  if (file.sizeBytes < 8) throw fault(`${file.sizeBytes} bytes are too few for a header`);
  const lead = await file.read(0, 8);
  const length = new DataView(lead.buffer, lead.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) throw fault(`its header says ${length} bytes, limit ${MAX_HEADER_BYTES}`);
  const headerBytes = Number(length);
  const dataStart = 8 + headerBytes;
  if (dataStart > file.sizeBytes) throw fault(`its header says ${length} bytes, the file has ${file.sizeBytes}`);
  const header = parseJson(await file.read(8, dataStart), file.label);
  if (!isRecord(header)) throw fault('its header is no object');
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    tensors.set(
      name,
      storedTensor(entry, { dataStart, sizeBytes: file.sizeBytes }, (what) => fault(`tensor "${shown(name)}" ${what}`)),
    );
  }
  let at = dataStart;
  for (const [name, { start, end }] of [...tensors].sort(([, a], [, b]) => a.start - b.start || a.end - b.end)) {
    if (start < at) throw fault(`tensor "${shown(name)}" overlaps the one before it`);
    if (start > at) throw fault(`${start - at} bytes before tensor "${shown(name)}" belong to none`);
    at = end;
  }
  if (at !== file.sizeBytes) throw fault(`its tensors end at byte ${at}, the file at ${file.sizeBytes}`);
  return tensors;
}

function storedTensor(
  entry: unknown,
  { dataStart, sizeBytes }: { readonly dataStart: number; readonly sizeBytes: number },
  fault: (what: string) => InputError,
): StoredTensor {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  const elementBytes = typeof dtype === 'string' ? ELEMENT_BYTES[dtype] : undefined;
  if (typeof dtype !== 'string' || elementBytes === undefined)
    throw fault(`has no known dtype (${shown(String(dtype))})`);
  if (!isNaturals(shape) || shape.length > MAX_DIMENSIONS) throw fault('has no shape of whole numbers');
  if (!isNaturals(offsets) || offsets.length !== 2) throw fault('has no data_offsets of two whole numbers');
  const [start, end] = offsets.map((offset) => dataStart + offset) as [number, number];
  const bytes = shape.reduce((product, dim) => product * dim, elementBytes);
  if (end < start || end > sizeBytes) throw fault(`ends at byte ${end}, the file at ${sizeBytes}`);
  if (bytes !== end - start) throw fault(`of ${dtype}[${shape.join(', ')}] needs ${bytes} bytes, has ${end - start}`);
  return { dtype, dims: shape, start, end };
}

async function readFloats(
  file: RandomAccessFile,
  name: string,
  { dtype, start, end }: StoredTensor,
): Promise<Float32Array> {
  const convert = CONVERTERS[dtype];
  if (convert === undefined) {
    throw new InputError(
      `${file.label}: tensor "${name}" is ${dtype}; expected F32, F16 or BF16: a checkpoint that is quantized already is not dense`,
    );
  }
  const width = present(ELEMENT_BYTES[dtype], `the width of ${dtype}`);
  const values = new Float32Array((end - start) / width);
  for (let from = start; from < end; from += CHUNK_BYTES) {
    const bytes = await file.read(from, Math.min(end, from + CHUNK_BYTES));
    convert(bytes, values.subarray((from - start) / width));
  }
  return values;
}

/** Copies little-endian bytes to the beginning of `into`. */
const CONVERTERS: Readonly<Record<string, (bytes: Uint8Array, into: Float32Array) => void>> = {
  F32: (bytes, into) => new Uint8Array(into.buffer, into.byteOffset, bytes.byteLength).set(bytes),
  F16: halfToFloats,
  BF16: brainToFloats,
};

/** The values of all float16 bit patterns; computed when a file first needs them, not at the start of the command. */
let halves: Float32Array | undefined;

function halfToFloats(bytes: Uint8Array, into: Float32Array): void {
  const patterns = new Uint16Array(aligned(bytes).buffer);
  halves ??= Float32Array.from({ length: 2 ** 16 }, (_, pattern) => fromFloat16Bits(pattern));
  for (let at = 0; at < patterns.length; at++) into[at] = halves[patterns[at]!]!;
}

/** A bfloat16 is the upper half of a float32. */
function brainToFloats(bytes: Uint8Array, into: Float32Array): void {
  const patterns = new Uint16Array(aligned(bytes).buffer);
  const bits = new Uint32Array(into.buffer, into.byteOffset, patterns.length);
  for (let at = 0; at < patterns.length; at++) bits[at] = patterns[at]! << 16;
}

/** The same bytes in a buffer of their own. */
function aligned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function isNaturals(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0);
}

/** A name from a file, made safe for a message. */
function shown(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
