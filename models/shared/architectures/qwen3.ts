/** Qwen 3: Qwen 2 with norms of queries and keys and a head width of its own. https://github.com/huggingface/transformers, models/qwen3. */
import type { Architecture } from './architecture.ts';
import { readGatedDecoder } from './gated-decoder.ts';
import { qwenLayers } from './qwen2.ts';

export const qwen3: Architecture = {
  modelType: 'qwen3',
  kind: 'decoder',
  read(config, options) {
    const attention = config.flag('attention_bias', false);
    return readGatedDecoder(config, options, {
      biases: { qkv: attention, o: attention, feedForward: false },
      queryKeyNorm: true,
      headWidthByDefault: 128,
      layers: qwenLayers(config),
    });
  },
};
