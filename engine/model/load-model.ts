/** From a model's definition to the model: fetches its files, verifies them, builds the graph. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { HubClient } from '../../contracts/dataset.ts';
import { InputError, IntegrityError } from '../../contracts/errors.ts';
import type { Model, ModelDefinition, ModelFiles, Tokenizer } from '../definitions/model.ts';

/** Folder that paths of embedded files are relative to. */
const MODELS_FOLDER = new URL('../../models/', import.meta.url);

/** The dense model. Throws what the hub client throws, and InputError for files that are not what they should be. */
export async function loadModel(definition: ModelDefinition, hub: HubClient): Promise<Model> {
  const model = await definition.build(modelFiles(definition, hub));
  if (model.id !== definition.id) {
    throw new InputError(`models/${definition.id}.ts builds a model with the id "${model.id}"; give both the same id`);
  }
  return model;
}

/** The smaller dense model of a definition, undefined where it has none. Throws as loadModel does. */
export async function loadSmallerModel(definition: ModelDefinition, hub: HubClient): Promise<Model | undefined> {
  return definition.smaller?.(modelFiles(definition, hub));
}

export async function loadTokenizer(definition: ModelDefinition, hub: HubClient): Promise<Tokenizer> {
  return definition.tokenizer(modelFiles(definition, hub));
}

/**
 * SHA-256 over what the model is made from: repository, revision and file hashes. Part of every trial's key. The code
 * that turns files into a graph is not in it: a change there that moves a number raises the protocol's version.
 */
export function modelRevision(definition: ModelDefinition): string {
  const { source } = definition;
  const origin = source.kind === 'hub' ? `hub ${source.repo}@${source.revision}` : 'embedded';
  const files = source.files.map(({ path, sha256 }) => `${path} ${sha256}`).sort();
  return createHash('sha256')
    .update([origin, ...files].join('\n'))
    .digest('hex');
}

function modelFiles(definition: ModelDefinition, hub: HubClient): ModelFiles {
  const { id, source } = definition;
  return {
    async read(path) {
      const file = source.files.find((known) => known.path === path);
      if (!file) {
        throw new InputError(
          `model ${id}: reads "${path}", which its source does not list (${source.files.map((known) => known.path).join(', ')}); add it there with its sha256`,
        );
      }
      if (source.kind === 'hub') {
        return hub.file({ kind: 'model', repo: source.repo, revision: source.revision, path, sha256: file.sha256 });
      }
      const bytes = await readFile(fileURLToPath(new URL(path, MODELS_FOLDER)));
      const actual = createHash('sha256').update(bytes).digest('hex');
      if (actual !== file.sha256) {
        throw new IntegrityError(
          `model ${id}: models/${path}: expected sha256 ${file.sha256}, got ${actual}; restore the file from the repository`,
        );
      }
      return bytes;
    },
  };
}
