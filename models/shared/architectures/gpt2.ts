/** GPT-2 and DistilGPT-2: https://github.com/huggingface/transformers, models/gpt2. Weights are stored [in, out], q, k and v as one. */
import type { DecoderWeights } from '../transformer/decoder.ts';
import type { LayerWeights, LinearWeights, TransformerSpecification } from '../transformer/specification.ts';
import { ACTIVATIONS } from './activations.ts';
import type { Architecture } from './architecture.ts';
import type { Checkpoint } from './checkpoint.ts';
import { alike, readHeads, readLayers } from './layers.ts';

export const gpt2: Architecture = {
  modelType: 'gpt2',
  kind: 'decoder',
  read(config, { contextLimit }) {
    config.expect('add_cross_attention', [false]);
    config.expect('scale_attn_weights', [true]);
    config.expect('scale_attn_by_inverse_layer_idx', [false]);
    config.expect('tie_word_embeddings', [true]);
    // Options for rounding scores in half precision, and unsupported heads.
    config.ignore(
      'reorder_and_upcast_attn',
      'n_ctx',
      'summary_activation',
      'summary_proj_to_labels',
      'summary_type',
      'summary_use_proj',
    );
    const heads = readHeads(config, { width: 'n_embd', heads: 'n_head' });
    const stored = config.count('n_positions', 'context', 1024);
    const specification: TransformerSpecification = {
      ...heads,
      hiddenWidth: config.count('n_inner', 'features', 4 * heads.width),
      vocabularySize: config.count('vocab_size', 'vocabulary'),
      contextLength: Math.min(stored, contextLimit),
      layers: alike(config.count('n_layer', 'layers')),
      norm: { kind: 'layer', epsilon: config.positive('layer_norm_epsilon', 1e-5) },
      normPlacement: 'before',
      residual: 'sequential',
      activation: config.oneOf('activation_function', ACTIVATIONS, 'gelu_new'),
      gated: false,
    };
    return {
      kind: 'decoder',
      specification,
      names: {
        prefixes: ['transformer.', ''],
        marker: 'wte.weight',
        unused: [/\.attn\.(bias|masked_bias)$/, /^lm_head\.weight$/],
      },
      weights: (checkpoint) => readWeights(checkpoint, specification, stored),
    };
  },
};

async function readWeights(
  checkpoint: Checkpoint,
  specification: TransformerSpecification,
  stored: number,
): Promise<DecoderWeights> {
  const { width, vocabularySize, contextLength } = specification;
  const { base } = checkpoint;
  const layers = await readLayers(specification, (index) =>
    layerWeights(checkpoint, base(`h.${index}`), specification),
  );
  const positions = await checkpoint.tensor(base('wpe.weight'), [stored, width]);
  return {
    embedding: await checkpoint.tensor(base('wte.weight'), [vocabularySize, width]),
    positions: positions.slice(0, contextLength * width),
    layers,
    finalNorm: await checkpoint.norm(base('ln_f'), width, { bias: true }),
  };
}

async function layerWeights(
  checkpoint: Checkpoint,
  name: string,
  { width, hiddenWidth }: TransformerSpecification,
): Promise<LayerWeights> {
  /** Columns of a weight stored [in, out], and the corresponding entries of its bias. */
  const columns = async (part: string, dims: readonly [number, number]) => {
    const weight = await checkpoint.tensor(`${name}.${part}.weight`, dims);
    const bias = await checkpoint.tensor(`${name}.${part}.bias`, [dims[1]]);
    return (first: number, count: number): LinearWeights => {
      const cut = new Float32Array(dims[0] * count);
      for (let row = 0; row < dims[0]; row++) {
        const from = row * dims[1] + first;
        cut.set(weight.subarray(from, from + count), row * count);
      }
      return { weight: cut, bias: bias.slice(first, first + count) };
    };
  };
  const qkv = await columns('attn.c_attn', [width, 3 * width]);
  const norm = (part: string) => checkpoint.norm(`${name}.${part}`, width, { bias: true });
  return {
    attentionNorm: await norm('ln_1'),
    q: qkv(0, width),
    k: qkv(width, width),
    v: qkv(2 * width, width),
    o: (await columns('attn.c_proj', [width, width]))(0, width),
    feedForwardNorm: await norm('ln_2'),
    up: (await columns('mlp.c_fc', [width, hiddenWidth]))(0, hiddenWidth),
    down: (await columns('mlp.c_proj', [hiddenWidth, width]))(0, width),
  };
}
