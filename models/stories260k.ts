/**
 * stories260K: a Llama decoder of 260 thousand weights, trained on TinyStories by Andrej Karpathy.
 * Source: https://huggingface.co/karpathy/tinyllamas (stories260K), read from llama2.c's own checkpoint format.
 */
import type { ModelDefinition } from '../engine/definitions/model.ts';
import { readLlama2cCheckpoint } from './shared/llama2c-checkpoint.ts';
import { readLlama2cTokenizer } from './shared/llama2c-tokenizer.ts';
import { buildLlama } from './shared/llama-graph.ts';

const CHECKPOINT = 'stories260K/stories260K.bin';
const TOKENIZER = 'stories260K/tok512.bin';

const definition: ModelDefinition = {
  id: 'stories260k',
  title: 'stories260K',
  architecture: 'llama',
  kind: 'decoder',
  licence: 'MIT',
  citation: 'Andrej Karpathy: llama2.c and its tinyllamas, 2023, https://github.com/karpathy/llama2.c',
  source: {
    kind: 'hub',
    repo: 'karpathy/tinyllamas',
    revision: '0bd21da7698eaf29a0d7de3992de8a46ef624add',
    files: [
      {
        path: CHECKPOINT,
        sha256: 'b0a507e7ad0f626624f17112325e66691f9076d622e1d3274d103d00299f2696',
        sizeBytes: 1_056_540,
      },
      {
        path: TOKENIZER,
        sha256: '037cb335abb25d1fa9e8ecae30ed2a3a8ace9302862ebcdc05d51a6bbb10c312',
        sizeBytes: 6_227,
      },
    ],
  },
  trainedOn: ['tinystories'],
  testItemsSeen: ['tinystories'],
  tokenizer: async (files) => readLlama2cTokenizer(await files.read(TOKENIZER)),
  async build(files) {
    const { config, weights } = readLlama2cCheckpoint(await files.read(CHECKPOINT));
    return buildLlama('stories260k', config, weights);
  },
};

export default definition;
