/** OPT: https://github.com/huggingface/transformers, models/opt. The first two rows of its table of positions belong to no position. */
import type { LayerWeights, TransformerSpecification } from '../transformer/specification.ts';
import { ACTIVATIONS } from './activations.ts';
import type { Architecture } from './architecture.ts';
import type { Checkpoint } from './checkpoint.ts';
import { alike, readHeads, readLayers } from './layers.ts';

const UNUSED_POSITIONS = 2;

export const opt: Architecture = {
  modelType: 'opt',
  kind: 'decoder',
  read(config, { contextLimit }) {
    config.expect('_remove_final_layer_norm', [false]);
    config.expect('layer_norm_elementwise_affine', [true]);
    config.expect('tie_word_embeddings', [true]);
    const heads = readHeads(config);
    const { width } = heads;
    // Only OPT-350M projects its embedding and normalises after the sum.
    config.expect('word_embed_proj_dim', [width]);
    config.expect('do_layer_norm_before', [true]);
    const bias = config.flag('enable_bias', true);
    const stored = config.count('max_position_embeddings', 'context', 2048);
    const specification: TransformerSpecification = {
      ...heads,
      hiddenWidth: config.count('ffn_dim', 'features'),
      vocabularySize: config.count('vocab_size', 'vocabulary'),
      contextLength: Math.min(stored, contextLimit),
      layers: alike(config.count('num_hidden_layers', 'layers')),
      norm: { kind: 'layer', epsilon: 1e-5 },
      normPlacement: 'before',
      residual: 'sequential',
      activation: config.oneOf('activation_function', ACTIVATIONS, 'relu'),
      gated: false,
    };
    return {
      kind: 'decoder',
      specification,
      names: { prefixes: ['model.decoder.', 'decoder.'], marker: 'embed_tokens.weight', unused: [/^lm_head\.weight$/] },
      async weights(checkpoint) {
        const { base } = checkpoint;
        const layers = await readLayers(specification, (index) =>
          layerWeights(checkpoint, base(`layers.${index}`), { specification, bias }),
        );
        const positions = await checkpoint.tensor(base('embed_positions.weight'), [stored + UNUSED_POSITIONS, width]);
        return {
          embedding: await checkpoint.tensor(base('embed_tokens.weight'), [specification.vocabularySize, width]),
          positions: positions.slice(
            UNUSED_POSITIONS * width,
            (UNUSED_POSITIONS + specification.contextLength) * width,
          ),
          layers,
          finalNorm: await checkpoint.norm(base('final_layer_norm'), width, { bias: true }),
        };
      },
    };
  },
};

async function layerWeights(
  checkpoint: Checkpoint,
  name: string,
  { specification, bias }: { readonly specification: TransformerSpecification; readonly bias: boolean },
): Promise<LayerWeights> {
  const { width, hiddenWidth } = specification;
  const attention = (part: string) => checkpoint.linear(`${name}.self_attn.${part}`, [width, width], { bias });
  return {
    attentionNorm: await checkpoint.norm(`${name}.self_attn_layer_norm`, width, { bias: true }),
    q: await attention('q_proj'),
    k: await attention('k_proj'),
    v: await attention('v_proj'),
    o: await attention('out_proj'),
    feedForwardNorm: await checkpoint.norm(`${name}.final_layer_norm`, width, { bias: true }),
    up: await checkpoint.linear(`${name}.fc1`, [width, hiddenWidth], { bias }),
    down: await checkpoint.linear(`${name}.fc2`, [hiddenWidth, width], { bias }),
  };
}
