/** Phi 1, 1.5 and 2: attention and feed-forward read one norm, side by side. https://github.com/huggingface/transformers, models/phi. */
import type { LayerWeights, TransformerSpecification } from '../transformer/specification.ts';
import { ACTIVATIONS } from './activations.ts';
import type { Architecture } from './architecture.ts';
import { type Checkpoint, interleavedRows } from './checkpoint.ts';
import { readRotary } from './rotary-fields.ts';

export const phi: Architecture = {
  modelType: 'phi',
  kind: 'decoder',
  read(config, { contextLimit }) {
    config.expect('qk_layernorm', [false]);
    config.expect('tie_word_embeddings', [false]);
    const width = config.count('hidden_size', 'features');
    const heads = config.count('num_attention_heads', 'heads');
    if (width % heads !== 0) throw config.fault(`${heads} heads do not divide the width ${width}`);
    const headWidth = width / heads;
    const contextLength = config.count('max_position_embeddings', 'context', 2048);
    const rotary = readRotary(config, { headWidth, contextLength, share: 0.5 });
    const specification: TransformerSpecification = {
      width,
      hiddenWidth: config.count('intermediate_size', 'features'),
      heads,
      keyValueHeads: config.count('num_key_value_heads', 'heads', heads),
      headWidth,
      vocabularySize: config.count('vocab_size', 'vocabulary'),
      contextLength: Math.min(contextLength, contextLimit),
      layers: Array.from({ length: config.count('num_hidden_layers', 'layers') }, () => ({ rotary })),
      norm: { kind: 'layer', epsilon: config.positive('layer_norm_eps', 1e-5) },
      normPlacement: 'before',
      residual: 'parallel',
      activation: config.oneOf('hidden_act', ACTIVATIONS, 'gelu_new'),
      gated: false,
      scoreScale: 1 / Math.sqrt(headWidth),
    };
    return {
      kind: 'decoder',
      specification,
      names: { prefixes: ['model.'], marker: 'embed_tokens.weight', unused: [/rotary_emb\.inv_freq$/] },
      async weights(checkpoint) {
        const { base } = checkpoint;
        const layers: LayerWeights[] = [];
        for (const index of specification.layers.keys()) {
          const turned = 2 * rotary.frequencies.length;
          layers.push(await layerWeights(checkpoint, base(`layers.${index}`), { specification, turned }));
        }
        return {
          embedding: await checkpoint.tensor(base('embed_tokens.weight'), [specification.vocabularySize, width]),
          layers,
          finalNorm: await checkpoint.norm(base('final_layernorm'), width, { bias: true }),
          head: await checkpoint.linear('lm_head', [width, specification.vocabularySize], { bias: true }),
        };
      },
    };
  },
};

async function layerWeights(
  checkpoint: Checkpoint,
  name: string,
  { specification, turned }: { readonly specification: TransformerSpecification; readonly turned: number },
): Promise<LayerWeights> {
  const { width, hiddenWidth, heads, keyValueHeads, headWidth } = specification;
  const attention = (part: string, count: number, features: number) => {
    const rows = interleavedRows(count, { headWidth, turned: features });
    return checkpoint.linear(`${name}.self_attn.${part}`, [width, count * headWidth], {
      bias: true,
      rows,
      of: count * headWidth,
    });
  };
  return {
    attentionNorm: await checkpoint.norm(`${name}.input_layernorm`, width, { bias: true }),
    q: await attention('q_proj', heads, turned),
    k: await attention('k_proj', keyValueHeads, turned),
    v: await attention('v_proj', keyValueHeads, 0),
    o: await checkpoint.linear(`${name}.self_attn.dense`, [heads * headWidth, width], { bias: true }),
    up: await checkpoint.linear(`${name}.mlp.fc1`, [width, hiddenWidth], { bias: true }),
    down: await checkpoint.linear(`${name}.mlp.fc2`, [hiddenWidth, width], { bias: true }),
  };
}
