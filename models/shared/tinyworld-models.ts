/**
 * The reference models: small transformers trained on TinyWorld by scripts/train-reference.ts, stored in
 * models/tinyworld/ with their cards and learning curves, so that everything runs without access to a model hub.
 */
import type { Model, ModelDefinition, ModelFiles } from '../../engine/definitions/model.ts';
import { readModel } from '../../numerics/onnx/read.ts';
import { buildBert } from './bert-graph.ts';
import { type BertConfig, readBertWeights } from './bert-weights.ts';
import { readBytePairTokenizer } from './byte-pair-tokenizer.ts';
import { buildGpt } from './gpt-graph.ts';
import { type GptConfig, readGptWeights } from './gpt-weights.ts';
import { type ReadWeight, storedWeights } from './weight-reading.ts';

export const TINYWORLD_VOCABULARY = 1024;

/** About a million weights, most of them in blocks and not in embeddings. */
export const TINYWORLD_GPT: GptConfig = {
  width: 128,
  hiddenWidth: 512,
  layers: 4,
  heads: 4,
  vocabularySize: TINYWORLD_VOCABULARY,
  contextLength: 256,
  normEpsilon: 1e-5,
};

/** About a quarter of it: the smaller dense model that a compressed one should beat. */
export const TINYWORLD_GPT_SMALL: GptConfig = { ...TINYWORLD_GPT, width: 64, hiddenWidth: 256, layers: 3 };

export const TINYWORLD_BERT: BertConfig = { ...TINYWORLD_GPT, classes: 3, normEpsilon: 1e-12 };

const TOKENIZER = {
  path: 'tinyworld/merges.json',
  sha256: 'b6abefa21a217e3e5072901e4121b09a834021cfde6eab82a10965567a3909e3',
} as const;

/** One trained network, stored as models/tinyworld/<id>.onnx. */
export interface TinyWorldWeights<Config> {
  readonly id: string;
  readonly config: Config;
  readonly sha256: string;
}

type Wording = Pick<ModelDefinition, 'title'>;

/** `smaller`: the network returned by the control smaller-dense. */
export function defineTinyWorldGpt({
  title,
  smaller,
  ...weights
}: Wording & TinyWorldWeights<GptConfig> & { readonly smaller?: TinyWorldWeights<GptConfig> }): ModelDefinition {
  const build = ({ id, config }: TinyWorldWeights<GptConfig>, read: ReadWeight): Model =>
    buildGpt(id, config, readGptWeights(config, read));
  return {
    ...common([weights, ...(smaller ? [smaller] : [])]),
    title,
    architecture: 'gpt',
    kind: 'decoder',
    trainedOn: ['tinyworld'],
    build: async (files) => build(weights, await readWeights(files, weights)),
    ...(smaller && { smaller: async (files: ModelFiles) => build(smaller, await readWeights(files, smaller)) }),
  };
}

export function defineTinyWorldBert({ title, ...weights }: Wording & TinyWorldWeights<BertConfig>): ModelDefinition {
  const { id, config } = weights;
  return {
    ...common([weights]),
    title,
    architecture: 'bert',
    kind: 'encoder',
    trainedOn: ['tinyworld-entailment'],
    build: async (files) => buildBert(id, config, readBertWeights(config, await readWeights(files, weights))),
  };
}

const pathOf = ({ id }: Pick<TinyWorldWeights<unknown>, 'id'>): string => `tinyworld/${id}.onnx`;

/** The first network is the model itself. */
function common([own, ...others]: readonly [TinyWorldWeights<unknown>, ...TinyWorldWeights<unknown>[]]) {
  return {
    id: own.id,
    licence: 'CC0-1.0',
    citation:
      'ShrinkRank contributors: reference models trained on TinyWorld, 2026, by scripts/train-reference.ts; ' +
      'licence: https://creativecommons.org/publicdomain/zero/1.0/',
    source: {
      kind: 'embedded',
      files: [...[own, ...others].map((weights) => ({ path: pathOf(weights), sha256: weights.sha256 })), TOKENIZER],
    },
    testItemsSeen: [],
    tokenizer: async (files: ModelFiles) => readBytePairTokenizer(await files.read(TOKENIZER.path)),
  } as const;
}

async function readWeights(files: ModelFiles, weights: TinyWorldWeights<unknown>): Promise<ReadWeight> {
  return storedWeights(readModel(await files.read(pathOf(weights))).graph.initializers);
}
