/** Qwen 2 and 2.5: Llama with biases of q, k and v. https://github.com/huggingface/transformers, models/qwen2. */
import type { Architecture } from './architecture.ts';
import type { ConfigFields } from './config-fields.ts';
import { type GatedDecoderTraits, readGatedDecoder } from './gated-decoder.ts';
import { slidingLayers } from './layer-windows.ts';
import { readRotary } from './rotary-fields.ts';

export const qwen2: Architecture = {
  modelType: 'qwen2',
  kind: 'decoder',
  read: (config, options) =>
    readGatedDecoder(config, options, {
      biases: { qkv: true, o: false, feedForward: false },
      layers: qwenLayers(config),
    }),
};

/** If `use_sliding_window` is set, layers from `max_window_layers` on have windowed attention. */
export function qwenLayers(config: ConfigFields): NonNullable<GatedDecoderTraits['layers']> {
  return ({ count, ...shape }) => {
    const used = config.flag('use_sliding_window', false);
    const window = used ? config.count('sliding_window', 'context', 4096) : undefined;
    // 0 is a valid count here.
    const first = used && config.has('max_window_layers') ? config.index('max_window_layers') : 28;
    config.ignore('sliding_window', 'max_window_layers');
    const sliding = slidingLayers(config, count, (index) => used && index >= first);
    const rotary = readRotary(config, shape);
    return sliding.map((slides) => (slides && window !== undefined ? { rotary, window } : { rotary }));
  };
}
