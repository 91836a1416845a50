/** Llama 1 to 3, SmolLM, TinyLlama and similar models: https://github.com/huggingface/transformers, models/llama. */
import type { Architecture } from './architecture.ts';
import { readGatedDecoder } from './gated-decoder.ts';

export const llama: Architecture = {
  modelType: 'llama',
  kind: 'decoder',
  read(config, options) {
    const attention = config.flag('attention_bias', false);
    const feedForward = config.flag('mlp_bias', false);
    return readGatedDecoder(config, options, { biases: { qkv: attention, o: attention, feedForward } });
  },
};
