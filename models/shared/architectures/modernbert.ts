/**
 * ModernBERT: rotary positions, gated feed-forward, norms before attention and feed-forward, most layers with a window.
 * https://github.com/huggingface/transformers, models/modernbert.
 */
import type { LayerWeights, TransformerSpecification } from '../transformer/specification.ts';
import type { Pooling } from '../transformer/encoder.ts';
import { ACTIVATIONS } from './activations.ts';
import type { Architecture } from './architecture.ts';
import { type Checkpoint, interleavedRows } from './checkpoint.ts';
import { readHead } from './encoder-head.ts';
import { slidingLayers } from './layer-windows.ts';
import { readHeads, readLayers } from './layers.ts';
import { rotaryIn } from './rotary-fields.ts';

export const modernbert: Architecture = {
  modelType: 'modernbert',
  kind: 'encoder',
  read(config, options) {
    for (const name of ['attention_bias', 'mlp_bias', 'norm_bias', 'classifier_bias']) config.expect(name, [false]);
    config.expect('position_embedding_type', ['absolute', 'rope']);
    config.ignore('decoder_bias', 'deterministic_flash_attn', 'sparse_pred_ignore_index', 'sparse_prediction');
    config.ignore('tie_word_embeddings', 'reference_compile', 'repad_logits_with_grad', 'layer_norm_eps');
    const heads = readHeads(config);
    const { width, headWidth } = heads;
    const contextLength = config.count('max_position_embeddings', 'context', 8192);
    const count = config.count('num_hidden_layers', 'layers');
    const period = config.count('global_attn_every_n_layers', 'layers', 3);
    const window = Math.floor(config.count('local_attention', 'context', 128) / 2);
    const bases = {
      whole: config.positive('global_rope_theta', 160_000),
      local: config.positive('local_rope_theta', 10_000),
    };
    const both = config.nested('rope_parameters');
    const whole = rotaryIn(both?.nested('full_attention'), { headWidth, contextLength, base: bases.whole });
    const local = rotaryIn(both?.nested('sliding_attention'), { headWidth, contextLength, base: bases.local });
    const sliding = slidingLayers(config, count, (index) => index % period !== 0);
    const specification: TransformerSpecification = {
      ...heads,
      hiddenWidth: config.count('intermediate_size', 'features'),
      vocabularySize: config.count('vocab_size', 'vocabulary'),
      contextLength: Math.min(contextLength, options.contextLimit),
      layers: sliding.map((slides) => (slides ? { rotary: local, window } : { rotary: whole })),
      norm: { kind: 'layer', epsilon: config.positive('norm_eps', 1e-5) },
      normPlacement: 'before',
      residual: 'sequential',
      activation: config.oneOf('hidden_activation', ACTIVATIONS, 'gelu'),
      gated: true,
    };
    const pooling = config.oneOf<Pooling>('classifier_pooling', { cls: 'first', mean: 'mean' }, 'cls');
    const activation = config.oneOf('classifier_activation', ACTIVATIONS, 'gelu');
    const choice = readHead(config, options);
    return {
      kind: 'encoder',
      specification,
      names: {
        prefixes: ['model.', ''],
        marker: 'embeddings.tok_embeddings.weight',
        unused: [/^decoder\./, ...(choice.kind === 'embedding' ? [/^head\./, /^classifier\./] : [])],
      },
      async weights(checkpoint) {
        const { base } = checkpoint;
        const layers = await readLayers(specification, (index) => layerWeights(checkpoint, index, specification));
        const weights = {
          embedding: await checkpoint.tensor(base('embeddings.tok_embeddings.weight'), [
            specification.vocabularySize,
            width,
          ]),
          embeddingNorm: await checkpoint.norm(base('embeddings.norm'), width),
          layers,
          finalNorm: await checkpoint.norm(base('final_norm'), width),
        };
        if (choice.kind === 'embedding') return { weights, head: choice };
        const { classes } = choice;
        const pooler = await checkpoint.linear('head.dense', [width, width]);
        const poolerNorm = await checkpoint.norm('head.norm', width);
        const classifier = await checkpoint.linear('classifier', [width, classes], { bias: true });
        return { weights, head: { kind: 'classifier', pooling, classes, pooler, activation, poolerNorm, classifier } };
      },
    };
  },
};

async function layerWeights(
  checkpoint: Checkpoint,
  index: number,
  specification: TransformerSpecification,
): Promise<LayerWeights> {
  const { width, hiddenWidth, heads, headWidth } = specification;
  const name = (part: string): string => checkpoint.base(`layers.${index}.${part}`);
  const rows = interleavedRows(heads, { headWidth, turned: headWidth });
  const shifted = (by: number, of: readonly number[]): readonly number[] => of.map((row) => row + by);
  const attention = (first: number, order: readonly number[]) =>
    checkpoint.linear(name('attn.Wqkv'), [width, width], { rows: shifted(first, order), of: 3 * width });
  const plain = Array.from({ length: width }, (_, row) => row);
  const hidden = Array.from({ length: hiddenWidth }, (_, row) => row);
  const feedForward = (first: number) =>
    checkpoint.linear(name('mlp.Wi'), [width, hiddenWidth], { rows: shifted(first, hidden), of: 2 * hiddenWidth });
  return {
    // The embedding's norm replaces the first layer's.
    ...(index > 0 && { attentionNorm: await checkpoint.norm(name('attn_norm'), width) }),
    q: await attention(0, rows),
    k: await attention(width, rows),
    v: await attention(2 * width, plain),
    o: await checkpoint.linear(name('attn.Wo'), [width, width]),
    feedForwardNorm: await checkpoint.norm(name('mlp_norm'), width),
    gate: await feedForward(0),
    up: await feedForward(hiddenWidth),
    down: await checkpoint.linear(name('mlp.Wo'), [hiddenWidth, width]),
  };
}
