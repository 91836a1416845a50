/**
 * Gemma 3, text only: norms on both sides, norms of queries and keys, and in most layers a window and another base of
 * rotary positions. https://github.com/huggingface/transformers, models/gemma3.
 */
import type { Architecture } from './architecture.ts';
import { readGatedDecoder } from './gated-decoder.ts';
import { slidingLayers } from './layer-windows.ts';
import { readRotary, rotaryIn } from './rotary-fields.ts';

export const gemma3: Architecture = {
  modelType: 'gemma3_text',
  kind: 'decoder',
  read(config, options) {
    config.expect('attn_logit_softcapping', [null]);
    config.expect('final_logit_softcapping', [null]);
    config.expect('use_bidirectional_attention', [false]);
    const attention = config.flag('attention_bias', false);
    const scale = config.positive('query_pre_attn_scalar', 256) ** -0.5;
    return readGatedDecoder(config, options, {
      biases: { qkv: attention, o: attention, feedForward: false },
      queryKeyNorm: true,
      tiedByDefault: true,
      headWidthByDefault: 256,
      activationField: 'hidden_activation',
      isGemma: true,
      scoreScale: () => scale,
      layers: ({ count, ...shape }) => {
        const period = config.count(
          config.has('sliding_window_pattern') ? 'sliding_window_pattern' : '_sliding_window_pattern',
          'layers',
          6,
        );
        const window = config.count('sliding_window', 'context', 4096);
        const sliding = slidingLayers(config, count, (index) => (index + 1) % period !== 0);
        const localBase = config.positive('rope_local_base_freq', 10_000);
        const both = config.nested('rope_parameters');
        const local = rotaryIn(both?.nested('sliding_attention'), { ...shape, base: localBase });
        const whole = both
          ? rotaryIn(both.nested('full_attention'), { ...shape, base: 1_000_000 })
          : readRotary(config, { ...shape, base: 1_000_000 });
        return sliding.map((slides) => (slides ? { rotary: local, window } : { rotary: whole }));
      },
    });
  },
};
