/** The model that a person named: one of models/index.ts, a folder, or a repository of the hub. */
import { stat, readdir } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import type { ModelDefinition } from '../../engine/definitions/model.ts';
import { InputError } from '../../contracts/errors.ts';
import { hashOfFile } from '../../engine/hub/download.ts';
import { createHubClient, type HubAccess } from '../../engine/hub/hub-client.ts';
import { modelFiles } from '../../engine/model/load-model.ts';
import {
  DEFAULT_CONTEXT_LIMIT,
  defineTransformersModel,
  inspectTransformersModel,
  transformersFiles,
} from '../../models/shared/transformers-definition.ts';
import { homeOf } from './home.ts';
import { withMadeFiles } from './made-files.ts';
import { findModel } from './registry.ts';

export interface OpenModelOptions {
  /** Positions the model is cut to where it has more; default 2,048. Not for the models of models/index.ts. */
  readonly contextLimit?: number | undefined;
  readonly hub?: HubAccess;
  /** Where fine-tuned models are found; default the home of commands without --home. */
  readonly home?: string;
}

/** Deeper folders than these hold no file of a model. */
const FOLDERS = ['', '1_Pooling'] as const;

/** `./folder`, `hf:owner/name[@revision]` or the id of a registered model. Throws InputError for what is none of these. */
export async function openModel(name: string, options: OpenModelOptions = {}): Promise<ModelDefinition> {
  const { hub = createHubClient() } = options;
  if (name.startsWith('hf:')) return openHubModel(name.slice('hf:'.length), { ...options, hub });
  if (/[/\\]|^\.\.?$/.test(name)) return openFolder(name, { ...options, hub });
  if (options.contextLimit !== undefined) {
    throw new InputError(
      `--context: ${name} is a model of the board with a fixed context; name a folder or hf:owner/name to choose another context`,
    );
  }
  return withMadeFiles(findModel(name), options.home ?? homeOf(undefined));
}

type Opening = OpenModelOptions & { readonly hub: HubAccess };

async function openFolder(name: string, options: Opening): Promise<ModelDefinition> {
  const path = resolve(name);
  if (!(await stat(path).catch(() => undefined))?.isDirectory()) {
    throw new InputError(
      `--models: there is no folder "${name}"; name one that has config.json, tokenizer.json and model.safetensors`,
    );
  }
  const names: string[] = [];
  for (const folder of FOLDERS) {
    const entries = await readdir(join(path, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) if (!entry.isDirectory()) names.push(relative(path, join(path, folder, entry.name)));
  }
  const files = await Promise.all(
    transformersFiles(name, names).map(async (file) => {
      const [{ size }, sha256] = await Promise.all([stat(join(path, file)), hashOfFile(join(path, file), 'sha256')]);
      return { path: file, sha256, sizeBytes: size };
    }),
  );
  return define(options, {
    id: `local-${slug(basename(path))}`,
    title: basename(path),
    licence: 'not stated',
    citation: 'A folder of the machine that ran it',
    source: { kind: 'folder', path, files },
  });
}

async function openHubModel(name: string, options: Opening): Promise<ModelDefinition> {
  const [repo = '', revision = 'main', ...rest] = name.split('@');
  if (rest.length > 0)
    throw new InputError(
      `--models: "hf:${name}" has more than one @; expected hf:owner/name or hf:owner/name@revision`,
    );
  const { hub } = options;
  const { commit, files: names, licence } = await hub.repository({ repo, revision });
  const files = [];
  for (const path of transformersFiles(`${repo}@${commit.slice(0, 8)}`, names)) {
    // Verified against what the hub says of it as it comes; from then on the hash of what came is the file's name.
    const place = await hub.locate({ kind: 'model', repo, revision: commit, path });
    const [{ size }, sha256] = await Promise.all([stat(place), hashOfFile(place, 'sha256')]);
    files.push({ path, sha256, sizeBytes: size });
  }
  return define(options, {
    id: `hf-${slug(repo)}`,
    title: `${repo}@${commit.slice(0, 8)}`,
    licence: licence ?? 'not stated',
    citation: `https://huggingface.co/${repo}/tree/${commit}`,
    source: { kind: 'hub', repo, revision: commit, files },
  });
}

type Named = Pick<ModelDefinition, 'id' | 'title' | 'licence' | 'citation' | 'source'>;

async function define({ contextLimit = DEFAULT_CONTEXT_LIMIT, hub }: Opening, named: Named): Promise<ModelDefinition> {
  const { architecture, kind, read, contextLength } = await inspectTransformersModel(
    modelFiles(named, hub),
    contextLimit,
  );
  const used = read.specification.contextLength;
  return defineTransformersModel(
    {
      ...named,
      title: used < contextLength ? `${named.title} (context ${used} of ${contextLength})` : named.title,
      architecture,
      kind,
      // Nobody knows what it was trained on.
      trainedOn: [],
      testItemsSeen: [],
    },
    contextLimit,
  );
}

/** What may stand in an id: lower-case letters, digits, and single dashes between them. */
function slug(name: string): string {
  return (
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, 60) || 'model'
  );
}
