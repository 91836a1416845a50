/** Loads a model from transformers' files (config.json, safetensors): reads, checks and builds. */
import { UnsupportedError } from '../../contracts/errors.ts';
import type { Model, ModelFiles } from '../../engine/definitions/model.ts';
import { parseJson } from '../../engine/model/parse-json.ts';
import { openTensors } from '../../engine/model/safetensors.ts';
import type { Architecture, ReadArchitecture, ReadOptions } from './architectures/architecture.ts';
import { createCheckpoint } from './architectures/checkpoint.ts';
import { configFields } from './architectures/config-fields.ts';
import { architectures } from './architectures/index.ts';
import { buildDecoder } from './transformer/decoder.ts';
import { buildEncoder } from './transformer/encoder.ts';

/** Above the size of the largest published ones, with labels of 20,000 classes. */
const MAX_CONFIG_BYTES = 4 * 2 ** 20;

export interface DescribedModel {
  readonly architecture: Architecture;
  readonly read: ReadArchitecture;
}

/** Parses config.json. Throws InputError for invalid values, UnsupportedError for an unsupported architecture. */
export async function describeModel(files: ModelFiles, options: ReadOptions): Promise<DescribedModel> {
  const path = 'config.json';
  const config = await readJsonFile(files, path);
  const modelType = (config as { readonly model_type?: unknown } | null)?.model_type;
  const architecture = architectures.find((known) => known.modelType === modelType);
  if (architecture === undefined) {
    throw new UnsupportedError(
      `${path}: the architecture "${String(modelType).slice(0, 80)}" is not built; those that are: ${architectures.map((known) => known.modelType).join(', ')}`,
    );
  }
  const fields = configFields(path, config, architecture.modelType);
  const read = architecture.read(fields, options);
  fields.finish();
  return { architecture, read };
}

/**
 * The dense model under `id`. Throws the errors of describeModel, and InputError for weights that do not match
 * config.json.
 */
export async function buildTransformersModel(id: string, files: ModelFiles, options: ReadOptions): Promise<Model> {
  const { architecture, read } = await describeModel(files, options);
  const store = await openTensors(files);
  try {
    const checkpoint = createCheckpoint(store, read.names);
    const parts = { id, architecture: architecture.modelType, specification: read.specification };
    if (read.kind === 'decoder') {
      const weights = await read.weights(checkpoint);
      checkpoint.finish();
      return buildDecoder({ ...parts, weights });
    }
    const { weights, head } = await read.weights(checkpoint);
    checkpoint.finish();
    return buildEncoder({ ...parts, weights, head });
  } finally {
    await store.close();
  }
}

/** A settings file. Throws InputError where it is not JSON or is too large. */
export async function readJsonFile(files: ModelFiles, label: string): Promise<unknown> {
  return parseJson(await files.read(label, { maxBytes: MAX_CONFIG_BYTES }), label);
}
