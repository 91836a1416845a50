/**
 * Phi 1, 1.5 and 2: attention and feed-forward read the same norm in parallel.
 * https://github.com/huggingface/transformers, models/phi.
 */
import type { LayerWeights, TransformerSpecification } from '../transformer/specification.ts';
import { ACTIVATIONS } from './activations.ts';
import type { Architecture } from './architecture.ts';
import { type Checkpoint, interleavedRows } from './checkpoint.ts';
import { alike, readHeads, readLayers } from './layers.ts';
import { readRotary } from './rotary-fields.ts';

export const phi: Architecture = {
  modelType: 'phi',
  kind: 'decoder',
  read(config, { contextLimit }) {
    config.expect('qk_layernorm', [false]);
    config.expect('tie_word_embeddings', [false]);
    const heads = readHeads(config);
    const { width, headWidth } = heads;
    const contextLength = config.count('max_position_embeddings', 'context', 2048);
    const rotary = readRotary(config, { headWidth, contextLength, share: 0.5 });
    const specification: TransformerSpecification = {
      ...heads,
      hiddenWidth: config.count('intermediate_size', 'features'),
      keyValueHeads: config.count('num_key_value_heads', 'heads', heads.heads),
      vocabularySize: config.count('vocab_size', 'vocabulary'),
      contextLength: Math.min(contextLength, contextLimit),
      layers: alike(config.count('num_hidden_layers', 'layers'), { rotary }),
      norm: { kind: 'layer', epsilon: config.positive('layer_norm_eps', 1e-5) },
      normPlacement: 'before',
      residual: 'parallel',
      activation: config.oneOf('hidden_act', ACTIVATIONS, 'gelu_new'),
      gated: false,
    };
    return {
      kind: 'decoder',
      specification,
      names: { prefixes: ['model.'], marker: 'embed_tokens.weight', unused: [/rotary_emb\.inv_freq$/] },
      async weights(checkpoint) {
        const { base } = checkpoint;
        const turned = 2 * rotary.frequencies.length;
        const layers = await readLayers(specification, (index) =>
          layerWeights(checkpoint, base(`layers.${index}`), { specification, turned }),
        );
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
