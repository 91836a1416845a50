/** Configurations of the reference models that scripts/train-reference.ts trains on TinyWorld. */
import type { BertConfig } from './bert-weights.ts';
import type { GptConfig } from './gpt-weights.ts';

export const TINYWORLD_VOCABULARY = 1024;

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
