/**
 * The definition of a model in transformers' format: config.json, safetensors, tokenizer.json, and the pooling of
 * sentences.
 */
import { InputError, UnsupportedError } from '../../contracts/errors.ts';
import type { ModelDefinition, ModelFiles } from '../../engine/definitions/model.ts';
import { PICKLED_WEIGHTS } from '../../engine/model/safetensors.ts';
import { VOCABULARY_FILES } from './vocabulary-files.ts';
import type { Pooling } from './transformer/encoder.ts';
import { readTokenizerJson } from './tokenizer-json.ts';
import { buildTransformersModel, describeModel, readJsonFile } from './transformers-model.ts';

/** Context length to which real models are shortened by default: boards compare at one length. */
export const DEFAULT_CONTEXT_LIMIT = 1024;

/** The largest length that can be requested; papers on compression score sequences of this length. */
export const LARGEST_CONTEXT_LIMIT = 2048;

const POOLING = '1_Pooling/config.json';

/** The files of a model that are read, if present; shards are listed separately. */
export const TRANSFORMERS_FILES: readonly string[] = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'modules.json',
  'sentence_bert_config.json',
  POOLING,
  'model.safetensors',
  'model.safetensors.index.json',
];

/** Those of `names` that a definition lists. Throws InputError where weights or tokenizer are missing. */
export function transformersFiles(label: string, names: readonly string[]): readonly string[] {
  const whole = names.includes('model.safetensors');
  const wanted = names.filter(
    (name) =>
      (TRANSFORMERS_FILES.includes(name) && !(whole && name.endsWith('.index.json'))) ||
      (name === PICKLED_WEIGHTS && !names.some((other) => other.endsWith('.safetensors'))) ||
      (!whole && /^model-\d+-of-\d+\.safetensors$/.test(name)),
  );
  const missing = ['config.json'].filter((name) => !wanted.includes(name));
  if (!wanted.includes('tokenizer.json')) {
    const older = VOCABULARY_FILES.find((group) => group.every((name) => names.includes(name)));
    if (older) wanted.push(...older);
    else missing.push('tokenizer.json');
  }
  if (!wanted.some((name) => name.endsWith('.safetensors') || name === PICKLED_WEIGHTS))
    missing.push('model.safetensors');
  if (missing.length === 0) return wanted.sort();
  throw new InputError(
    `${label}: has no ${missing.join(', no ')} among ${names.length} files; expected a model as transformers saves it, weights as safetensors or ${PICKLED_WEIGHTS}`,
  );
}

type Facts = Omit<ModelDefinition, 'tokenizer' | 'build' | 'contextLimit' | 'smaller'>;

export function defineTransformersModel(facts: Facts, contextLimit = DEFAULT_CONTEXT_LIMIT): ModelDefinition {
  return {
    ...facts,
    contextLimit,
    async tokenizer(files) {
      const tokenizer = await readTokenizerJson(files);
      const { read } = await describeModel(files, await readingOf(files, contextLimit));
      const { vocabularySize } = read.specification;
      if (tokenizer.vocabularySize > vocabularySize) {
        throw new InputError(
          `model ${facts.id}: tokenizer.json has ${tokenizer.vocabularySize} tokens, the network ${vocabularySize}; they do not belong together`,
        );
      }
      return tokenizer;
    },
    build: async (files) => buildTransformersModel(facts.id, files, await readingOf(files, contextLimit)),
  };
}

/** Architecture and kind of the model in these files, its own context length, and its reader. */
export async function inspectTransformersModel(files: ModelFiles, contextLimit: number) {
  const reading = await readingOf(files, contextLimit);
  const { architecture, read } = await describeModel(files, reading);
  const own = await describeModel(files, { ...reading, contextLimit: Infinity });
  const kind = reading.pooling === undefined ? architecture.kind : 'embedder';
  return {
    architecture: architecture.modelType,
    kind,
    read,
    contextLength: own.read.specification.contextLength,
  } as const;
}

/** A sentence-transformers folder states the input length and how a sentence's vector is computed. */
async function readingOf(
  files: ModelFiles,
  contextLimit: number,
): Promise<{ readonly contextLimit: number; readonly pooling?: Pooling }> {
  if (!files.has('modules.json')) return { contextLimit };
  const modules = await readJsonFile(files, 'modules.json');
  const types = Array.isArray(modules)
    ? modules.map((module: { readonly type?: unknown } | null) => String(module?.type))
    : [];
  const names = types.map((type) => type.split('.').at(-1));
  if (names.join() !== 'Transformer,Pooling,Normalize' || !files.has(POOLING)) {
    throw new UnsupportedError(
      `modules.json: a sentence embedding of [${names.join(', ')}] is not built; expected Transformer, Pooling and Normalize, and ${POOLING}`,
    );
  }
  const settings = files.has('sentence_bert_config.json') ? await readJsonFile(files, 'sentence_bert_config.json') : {};
  const longest = (settings as { readonly max_seq_length?: unknown } | null)?.max_seq_length;
  const limit =
    Number.isInteger(longest) && (longest as number) > 0 ? Math.min(contextLimit, longest as number) : contextLimit;
  return { contextLimit: limit, pooling: poolingIn(await readJsonFile(files, POOLING)) };
}

function poolingIn(settings: unknown): Pooling {
  const modes = Object.entries((settings ?? {}) as Readonly<Record<string, unknown>>)
    .filter(([name, value]) => name.startsWith('pooling_mode_') && value === true)
    .map(([name]) => name.slice('pooling_mode_'.length));
  if (modes.length === 1 && modes[0] === 'mean_tokens') return 'mean';
  if (modes.length === 1 && modes[0] === 'cls_token') return 'first';
  throw new UnsupportedError(
    `${POOLING}: pooling by [${modes.join(', ')}] is not built; expected mean_tokens or cls_token`,
  );
}
