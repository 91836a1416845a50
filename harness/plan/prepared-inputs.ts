/**
 * The files that child processes read: the dense model and token sequences, named by a hash of their content. A
 * method's process gets the calibration or training file that its access class allows, and never a test file.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import * as v from 'valibot';
import { digestOf } from '../../contracts/canonical-json.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { type Size, sizeSchema } from '../../contracts/result.ts';
import { measureSize } from '../measure/size.ts';
import { createModel, type ModelParts } from '../../engine/model/model.ts';
import { readModel } from '../../numerics/onnx/read.ts';
import { writeModel } from '../../numerics/onnx/write.ts';
import { type Workspace, writeDurably } from './workspace.ts';

export interface PreparedModel {
  /** The dense ONNX file. */
  readonly onnxPath: string;
  /** Roles, architecture, kind and context length, as JSON. */
  readonly partsPath: string;
  /** Of the ONNX file. */
  readonly sha256: string;
  readonly size: Size;
  /** A smaller dense model that was trained in the same way; absent where there is none. */
  readonly smaller?: Omit<PreparedModel, 'smaller'>;
}

export async function prepareModel(workspace: Workspace, model: Model, revision: string): Promise<PreparedModel> {
  const { id, architecture, kind, roles, contextLength } = model;
  const parts: Omit<ModelParts, 'onnx'> = { id, architecture, kind, roles, contextLength };
  const bytes = writeModel(model.onnx);
  const name = digestOf({ revision, parts }).slice(0, 16);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const prepared = {
    onnxPath: workspace.inputPath(`${id}-${name}.onnx`),
    partsPath: workspace.inputPath(`${id}-${name}.json`),
    sha256,
    size: await knownSize(workspace, { bytes, sha256, tiedEmbedding: roles.head === undefined }),
  };
  // Written in each run, which is cheap: a changed model builder must never get an old file.
  writeDurably(prepared.onnxPath, bytes);
  writeDurably(prepared.partsPath, Buffer.from(JSON.stringify(parts)));
  return prepared;
}

/**
 * Sizes of the dense model do not change between runs: they are cached under the hash of the file and of their other
 * inputs.
 */
async function knownSize(
  workspace: Workspace,
  {
    bytes,
    sha256,
    tiedEmbedding,
  }: { readonly bytes: Uint8Array; readonly sha256: string; readonly tiedEmbedding: boolean },
): Promise<Size> {
  const { version, size: rules } = PROTOCOL;
  const name = digestOf({ sha256, tiedEmbedding, version, rules, zstd: process.versions['zstd'] ?? null });
  const path = workspace.inputPath(`size-${name.slice(0, 16)}.json`);
  if (existsSync(path)) {
    const kept = v.safeParse(v.pipe(v.string(), v.parseJson(), sizeSchema), readFileSync(path, 'utf8'));
    if (kept.success) return kept.output;
  }
  const size = await measureSize(bytes, { tiedEmbedding });
  writeDurably(path, Buffer.from(JSON.stringify(size)));
  return size;
}

export function readPreparedModel({ onnxPath, partsPath }: Pick<PreparedModel, 'onnxPath' | 'partsPath'>): Model {
  const parts = JSON.parse(readFileSync(partsPath, 'utf8')) as Omit<ModelParts, 'onnx'>;
  return createModel({ ...parts, onnx: readModel(readFileSync(onnxPath), { where: onnxPath }) });
}

/** Writes `value` (plain data and typed arrays) under a name made of `label` and `hash`, unless it exists. @returns its path. */
export function prepareData(workspace: Workspace, label: string, hash: string, value: unknown): string {
  const path = workspace.inputPath(`${label}-${hash.slice(0, 16)}.v8`);
  if (!existsSync(path)) writeDurably(path, serialize(value));
  return path;
}

/** @returns the value that prepareData wrote; the caller must know its type. */
export function readPreparedData<T>(path: string): T {
  return deserialize(readFileSync(path)) as T;
}
