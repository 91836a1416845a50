/** GPT-NeoX and Pythia: https://github.com/huggingface/transformers, models/gpt_neox. q, k and v of a head are stored side by side. */
import type { LayerWeights, TransformerSpecification } from '../transformer/specification.ts';
import { ACTIVATIONS } from './activations.ts';
import type { Architecture } from './architecture.ts';
import { type Checkpoint, interleavedRows } from './checkpoint.ts';
import { alike, readHeads, readLayers } from './layers.ts';
import { readRotary } from './rotary-fields.ts';

export const gptNeox: Architecture = {
  modelType: 'gpt_neox',
  kind: 'decoder',
  read(config, { contextLimit }) {
    config.expect('is_decoder', [false, true]);
    const heads = readHeads(config);
    const { width, headWidth } = heads;
    const contextLength = config.count('max_position_embeddings', 'context', 2048);
    const tied = config.flag('tie_word_embeddings', false);
    const bias = config.flag('attention_bias', true);
    const rotary = readRotary(config, {
      headWidth,
      contextLength,
      share: 0.25,
      names: { base: 'rotary_emb_base', share: 'rotary_pct' },
    });
    const specification: TransformerSpecification = {
      ...heads,
      hiddenWidth: config.count('intermediate_size', 'features'),
      vocabularySize: config.count('vocab_size', 'vocabulary'),
      contextLength: Math.min(contextLength, contextLimit),
      layers: alike(config.count('num_hidden_layers', 'layers'), { rotary }),
      norm: { kind: 'layer', epsilon: config.positive('layer_norm_eps', 1e-5) },
      normPlacement: 'before',
      residual: config.flag('use_parallel_residual', true) ? 'parallel' : 'sequential',
      activation: config.oneOf('hidden_act', ACTIVATIONS, 'gelu'),
      gated: false,
    };
    return {
      kind: 'decoder',
      specification,
      names: {
        prefixes: ['gpt_neox.', ''],
        marker: 'embed_in.weight',
        unused: [/\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)$/, ...(tied ? [/^embed_out\.weight$/] : [])],
      },
      async weights(checkpoint) {
        const { base } = checkpoint;
        const turned = 2 * rotary.frequencies.length;
        const layers = await readLayers(specification, (index) =>
          layerWeights(checkpoint, base(`layers.${index}`), { specification, turned, bias }),
        );
        return {
          embedding: await checkpoint.tensor(base('embed_in.weight'), [specification.vocabularySize, width]),
          layers,
          finalNorm: await checkpoint.norm(base('final_layer_norm'), width, { bias: true }),
          ...(!tied && { head: await checkpoint.linear('embed_out', [width, specification.vocabularySize]) }),
        };
      },
    };
  },
};

async function layerWeights(
  checkpoint: Checkpoint,
  name: string,
  {
    specification,
    turned,
    bias,
  }: { readonly specification: TransformerSpecification; readonly turned: number; readonly bias: boolean },
): Promise<LayerWeights> {
  const { width, hiddenWidth, heads, headWidth } = specification;
  const part = (index: 0 | 1 | 2) => {
    const inOrder = interleavedRows(heads, { headWidth, turned: index === 2 ? 0 : turned });
    // Row of a feature of head h: (3 h + index) · headWidth + feature.
    const rows = inOrder.map((row) => row + (2 * Math.floor(row / headWidth) + index) * headWidth);
    return checkpoint.linear(`${name}.attention.query_key_value`, [width, width], { bias, rows, of: 3 * width });
  };
  const norm = (of: string) => checkpoint.norm(`${name}.${of}`, width, { bias: true });
  return {
    attentionNorm: await norm('input_layernorm'),
    q: await part(0),
    k: await part(1),
    v: await part(2),
    o: await checkpoint.linear(`${name}.attention.dense`, [width, width], { bias }),
    feedForwardNorm: await norm('post_attention_layernorm'),
    up: await checkpoint.linear(`${name}.mlp.dense_h_to_4h`, [width, hiddenWidth], { bias: true }),
    down: await checkpoint.linear(`${name}.mlp.dense_4h_to_h`, [hiddenWidth, width], { bias: true }),
  };
}
