/** The embedded reference models trained on TinyWorld: their configurations, and their definitions from committed files. */
import type { ModelDefinition, ModelFiles } from '../../harness/contracts/model.ts';
import { readModel } from '../../harness/onnx/read.ts';
import type { BertConfig } from './bert-weights.ts';
import type { GptConfig } from './gpt-weights.ts';
import { readBytePairTokenizer } from './byte-pair-tokenizer.ts';
import { type ReadWeight, storedWeights } from './weight-reading.ts';

export const TINYWORLD_VOCABULARY = 1024;
const MERGES = 'tinyworld/merges.json';

/** About a million weights: blocks, not embeddings, dominate. */
export const TINYWORLD_GPT: GptConfig = {
  width: 128,
  hiddenWidth: 512,
  layers: 4,
  heads: 4,
  vocabularySize: TINYWORLD_VOCABULARY,
  contextLength: 256,
  normEpsilon: 1e-5,
};

/** About a quarter of it: the smaller dense model that a compressed one must beat. */
export const TINYWORLD_GPT_SMALL: GptConfig = { ...TINYWORLD_GPT, width: 64, hiddenWidth: 256, layers: 3 };

export const TINYWORLD_BERT: BertConfig = { ...TINYWORLD_GPT, classes: 3, normEpsilon: 1e-12 };

/** A definition whose weights are those of a committed ONNX file of the same graph. */
export function embeddedModel(
  parts: Pick<ModelDefinition, 'id' | 'title' | 'architecture' | 'trainedOn'> & {
    /** SHA-256 of models/tinyworld/<id>.onnx. */
    readonly sha256: string;
    readonly buildFrom: (
      read: ReadWeight,
    ) => ReturnType<ModelDefinition['build']> | Awaited<ReturnType<ModelDefinition['build']>>;
  },
): ModelDefinition {
  const { sha256, buildFrom, ...definition } = parts;
  const weights = `tinyworld/${definition.id}.onnx`;
  return {
    ...definition,
    licence: 'Apache-2.0',
    citation: 'ShrinkRank: reference models trained on TinyWorld, 2026',
    source: {
      kind: 'embedded',
      files: [
        { path: weights, sha256 },
        { path: MERGES, sha256: 'b6abefa21a217e3e5072901e4121b09a834021cfde6eab82a10965567a3909e3' },
      ],
    },
    tokenizer: async (files: ModelFiles) => readBytePairTokenizer(await files.read(MERGES)),
    async build(files: ModelFiles) {
      const { graph } = readModel(await files.read(weights), { where: weights });
      return buildFrom(storedWeights(graph.initializers));
    },
  };
}
