/**
 * Mistral 7B and similar models: Llama with optional windowed attention. https://github.com/huggingface/transformers,
 * models/mistral.
 */
import type { Architecture } from './architecture.ts';
import { readGatedDecoder } from './gated-decoder.ts';
import { alike } from './layers.ts';
import { readRotary } from './rotary-fields.ts';

export const mistral: Architecture = {
  modelType: 'mistral',
  kind: 'decoder',
  read(config, options) {
    return readGatedDecoder(config, options, {
      biases: { qkv: false, o: false, feedForward: false },
      layers: ({ count, ...shape }) => {
        const window = config.has('sliding_window') ? config.count('sliding_window', 'context') : undefined;
        config.ignore('sliding_window');
        return alike(count, { rotary: readRotary(config, shape), ...(window !== undefined && { window }) });
      },
    });
  },
};
