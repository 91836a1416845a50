/**
 * Common parts of Llama, Mistral, Qwen 2, Qwen 3 and Gemma 3: RMS norms, rotary positions, grouped heads, a gated
 * feed-forward block, and the names of their weights.
 */
import { present } from '../../../contracts/present.ts';
import type { DecoderWeights } from '../transformer/decoder.ts';
import type { LayerSpecification, LayerWeights, TransformerSpecification } from '../transformer/specification.ts';
import { ACTIVATIONS } from './activations.ts';
import type { ReadArchitecture, ReadOptions } from './architecture.ts';
import { type Checkpoint, interleavedRows } from './checkpoint.ts';
import type { ConfigFields } from './config-fields.ts';
import { alike, readLayers } from './layers.ts';
import { readRotary } from './rotary-fields.ts';

export interface GatedDecoderTraits {
  /** Biases of q, k and v, of o, and of the feed-forward block. */
  readonly biases: { readonly qkv: boolean; readonly o: boolean; readonly feedForward: boolean };
  readonly queryKeyNorm?: boolean;
  readonly tiedByDefault?: boolean;
  readonly headWidthByDefault?: number;
  /** Name of the field that holds the activation function. */
  readonly activationField?: string;
  /** Norms on both sides, stored as the factor minus one, and the embedding scaled by √width. */
  readonly isGemma?: boolean;
  readonly scoreScale?: (headWidth: number) => number;
  /** Reads differences between layers; by default all layers have the same rotation and full attention. */
  readonly layers?: (shape: {
    readonly count: number;
    readonly headWidth: number;
    readonly contextLength: number;
  }) => readonly LayerSpecification[];
}

export function readGatedDecoder(
  config: ConfigFields,
  { contextLimit }: ReadOptions,
  traits: GatedDecoderTraits,
): ReadArchitecture {
  const { biases, isGemma = false } = traits;
  const width = config.count('hidden_size', 'features');
  const heads = config.count('num_attention_heads', 'heads');
  const headWidth = config.count('head_dim', 'features', traits.headWidthByDefault ?? Math.floor(width / heads));
  const contextLength = config.count('max_position_embeddings', 'context', 2048);
  const count = config.count('num_hidden_layers', 'layers');
  const tied = config.flag('tie_word_embeddings', traits.tiedByDefault ?? false);
  const shape = { count, headWidth, contextLength };
  const specification: TransformerSpecification = {
    width,
    hiddenWidth: config.count('intermediate_size', 'features'),
    heads,
    keyValueHeads: config.count('num_key_value_heads', 'heads', heads),
    headWidth,
    vocabularySize: config.count('vocab_size', 'vocabulary'),
    contextLength: Math.min(contextLength, contextLimit),
    layers: traits.layers?.(shape) ?? alike(count, { rotary: readRotary(config, { headWidth, contextLength }) }),
    norm: { kind: 'root-mean-square', epsilon: config.positive('rms_norm_eps', 1e-6) },
    normPlacement: isGemma ? 'both' : 'before',
    residual: 'sequential',
    activation: config.oneOf(
      traits.activationField ?? 'hidden_act',
      ACTIVATIONS,
      isGemma ? 'gelu_pytorch_tanh' : 'silu',
    ),
    gated: true,
    scoreScale: traits.scoreScale?.(headWidth) ?? 1 / Math.sqrt(headWidth),
    ...(isGemma && { embeddingScale: Math.fround(Math.sqrt(width)) }),
  };
  return {
    kind: 'decoder',
    specification,
    names: {
      prefixes: ['model.', 'language_model.model.', ''],
      marker: 'embed_tokens.weight',
      unused: [/rotary_emb\.inv_freq$/, ...(tied ? [/^lm_head\.weight$/] : [])],
    },
    weights: async (checkpoint): Promise<DecoderWeights> => {
      const { base } = checkpoint;
      const layers = await readLayers(specification, (index, layer) =>
        layerWeights(checkpoint, { index, layer, specification, traits: { ...traits, biases, isGemma } }),
      );
      return {
        embedding: await checkpoint.tensor(base('embed_tokens.weight'), [specification.vocabularySize, width]),
        layers,
        finalNorm: await norm(checkpoint, base('norm'), { width, isGemma }),
        ...(!tied && { head: await checkpoint.linear('lm_head', [width, specification.vocabularySize]) }),
      };
    },
  };
}

async function norm(
  checkpoint: Checkpoint,
  name: string,
  { width, isGemma, rows }: { readonly width: number; readonly isGemma: boolean; readonly rows?: readonly number[] },
): Promise<{ readonly weight: Float32Array }> {
  const { weight } = await checkpoint.norm(name, width);
  const ordered = rows ? Float32Array.from(rows, (row) => present(weight[row], 'weight[row]')) : weight;
  return { weight: isGemma ? ordered.map((value) => 1 + value) : ordered };
}

async function layerWeights(
  checkpoint: Checkpoint,
  parts: {
    readonly index: number;
    readonly layer: LayerSpecification;
    readonly specification: TransformerSpecification;
    readonly traits: GatedDecoderTraits & { readonly isGemma: boolean };
  },
): Promise<LayerWeights> {
  const { index, layer, specification, traits } = parts;
  const { width, hiddenWidth, heads, keyValueHeads, headWidth } = specification;
  const { biases, isGemma, queryKeyNorm = false } = traits;
  const name = (part: string): string => checkpoint.base(`layers.${index}.${part}`);
  const form = { headWidth, turned: 2 * (layer.rotary?.frequencies.length ?? 0) };
  const attention = (part: string, count: number, turned: boolean) =>
    checkpoint.linear(name(`self_attn.${part}`), [width, count * headWidth], {
      bias: biases.qkv,
      ...(turned && { rows: interleavedRows(count, form), of: count * headWidth }),
    });
  const headNorm = (part: string) =>
    norm(checkpoint, name(`self_attn.${part}`), { width: headWidth, isGemma, rows: interleavedRows(1, form) });
  const outer = (part: string) => norm(checkpoint, name(part), { width, isGemma });
  const feedForward = (part: string, dims: readonly [number, number]) =>
    checkpoint.linear(name(`mlp.${part}`), dims, { bias: biases.feedForward });
  return {
    attentionNorm: await outer('input_layernorm'),
    q: await attention('q_proj', heads, true),
    k: await attention('k_proj', keyValueHeads, true),
    v: await attention('v_proj', keyValueHeads, false),
    ...(queryKeyNorm && { queryNorm: await headNorm('q_norm'), keyNorm: await headNorm('k_norm') }),
    o: await checkpoint.linear(name('self_attn.o_proj'), [heads * headWidth, width], { bias: biases.o }),
    ...(isGemma && {
      attentionOutputNorm: await outer('post_attention_layernorm'),
      feedForwardOutputNorm: await outer('post_feedforward_layernorm'),
    }),
    feedForwardNorm: await outer(isGemma ? 'pre_feedforward_layernorm' : 'post_attention_layernorm'),
    gate: await feedForward('gate_proj', [width, hiddenWidth]),
    up: await feedForward('up_proj', [width, hiddenWidth]),
    down: await feedForward('down_proj', [hiddenWidth, width]),
  };
}
