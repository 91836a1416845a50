/** Loads a model from its definition: fetches its files, verifies them, builds the graph. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelHub } from '../../contracts/dataset.ts';
import { digestOf } from '../../contracts/canonical-json.ts';
import { InputError, IntegrityError } from '../../contracts/errors.ts';
import { hashOfFile } from '../hub/download.ts';
import type { HubFile, Model, ModelDefinition, ModelFiles, RandomAccessFile, Tokenizer } from '../definitions/model.ts';
import { openRandomAccessFile } from './random-access-file.ts';

/** Folder that paths of embedded files are relative to. */
const MODELS_FOLDER = new URL('../../models/', import.meta.url);

/** What to do when a file's bytes have changed. */
const REMEDIES = {
  folder: 'it changed while it was read: run again',
  'fine-tuned': 'restore it, or remove its folder to have the model made again',
  embedded: 'restore the file from the repository',
} as const;

/** The dense model. Throws the errors of the hub client, and InputError for invalid files. */
export async function loadModel(definition: ModelDefinition, hub: ModelHub): Promise<Model> {
  const model = await definition.build(modelFiles(definition, hub));
  if (model.id !== definition.id) {
    throw new InputError(`models/${definition.id}.ts builds a model with the id "${model.id}"; give both the same id`);
  }
  return model;
}

/** The smaller dense model of a definition, undefined where it has none. Throws as loadModel does. */
export async function loadSmallerModel(definition: ModelDefinition, hub: ModelHub): Promise<Model | undefined> {
  return definition.smaller?.(modelFiles(definition, hub));
}

export async function loadTokenizer(definition: ModelDefinition, hub: ModelHub): Promise<Tokenizer> {
  return definition.tokenizer(modelFiles(definition, hub));
}

/**
 * SHA-256 over the sources of a model: repository, revision, file hashes and context limit. Part of every trial's key.
 * It does not cover the code that turns files into a graph: a change there that moves a number raises the protocol's
 * version.
 */
export function modelRevision(definition: ModelDefinition): string {
  const { source } = definition;
  const origin = originOf(source);
  const files = source.files.map(({ path, sha256 }) => (sha256 === undefined ? path : `${path} ${sha256}`)).sort();
  const limit = definition.contextLimit === undefined ? [] : [`context ${definition.contextLimit}`];
  return createHash('sha256')
    .update([origin, ...limit, ...files].join('\n'))
    .digest('hex');
}

function requestOf(
  { repo, revision }: ModelDefinition['source'] & { readonly kind: 'hub' },
  path: string,
  sha256: string | undefined,
) {
  return { kind: 'model', repo, revision, path, ...(sha256 !== undefined && { sha256 }) } as const;
}

function originOf(source: ModelDefinition['source']): string {
  if (source.kind === 'hub') return `hub ${source.repo}@${source.revision}`;
  return source.kind === 'fine-tuned' ? `fine-tuned ${recipeDigest(source)}` : source.kind;
}

/** SHA-256 over the sources of a fine-tuned model: its base and its recipe. */
export function recipeDigest({
  base,
  recipe,
}: Pick<ModelDefinition['source'] & { readonly kind: 'fine-tuned' }, 'base' | 'recipe'>): string {
  return digestOf({ base: modelRevision(base), recipe });
}

/** The files of a definition's source, each verified on reading. */
export function modelFiles({ id, source }: Pick<ModelDefinition, 'id' | 'source'>, hub: ModelHub): ModelFiles {
  function folderOf(): string {
    if ((source.kind === 'folder' || source.kind === 'fine-tuned') && source.path !== undefined) return source.path;
    throw new InputError(
      `model ${id}: has not been fine-tuned in this home yet; make it with shrinkrank run --models ${id} --methods dense`,
    );
  }
  function listed(path: string): Pick<HubFile, 'path'> & Partial<HubFile> {
    const file = source.files.find((known) => known.path === path);
    if (file) return file;
    if (source.kind === 'fine-tuned') folderOf();
    throw new InputError(
      `model ${id}: reads "${path}", which its source does not list (${source.files.map((known) => known.path).join(', ')}); add it there with its sha256`,
    );
  }
  /** Path of the file on this machine, and its name in messages. */
  async function placeOf(path: string): Promise<{ readonly place: string; readonly label: string }> {
    const { sha256 } = listed(path);
    if (source.kind === 'hub') {
      const place = await hub.locate(requestOf(source, path, sha256));
      return { place, label: `${source.repo}: ${path}` };
    }
    const place = source.kind === 'embedded' ? fileURLToPath(new URL(path, MODELS_FOLDER)) : join(folderOf(), path);
    const label = source.kind === 'embedded' ? `models/${path}` : place;
    const actual = await hashOfFile(place, 'sha256');
    if (actual !== sha256) {
      throw new IntegrityError(
        `model ${id}: ${label}: expected sha256 ${sha256}, got ${actual}; ` + REMEDIES[source.kind],
      );
    }
    return { place, label };
  }
  const open = async (path: string): Promise<RandomAccessFile> => {
    const { place, label } = await placeOf(path);
    return openRandomAccessFile(place, label);
  };
  return {
    has: (path) => source.files.some((known) => known.path === path),
    async read(path, { maxBytes } = {}) {
      if (maxBytes === undefined) {
        const { sha256 } = listed(path);
        if (source.kind === 'hub') {
          return hub.file(requestOf(source, path, sha256));
        }
        return readFile((await placeOf(path)).place);
      }
      const file = await open(path);
      try {
        if (file.sizeBytes > maxBytes) {
          throw new InputError(
            `${file.label}: ${file.sizeBytes} bytes, expected at most ${maxBytes}; check that it is the right file`,
          );
        }
        return await file.read(0, file.sizeBytes);
      } finally {
        await file.close();
      }
    },
    open,
  };
}
