/** DistilBERT: BERT without segments and with a head of its own. https://github.com/huggingface/transformers, models/distilbert. */
import type { TransformerSpecification } from '../transformer/specification.ts';
import { ACTIVATIONS } from './activations.ts';
import type { Architecture } from './architecture.ts';
import { readClassifier, readHead } from './encoder-head.ts';
import { alike, readHeads, readLayers } from './layers.ts';
import { type PostNormNames, readPostNormLayer } from './post-norm-layer.ts';

export const distilbert: Architecture = {
  modelType: 'distilbert',
  kind: 'encoder',
  read(config, options) {
    // The table is stored even if it contains sinusoids.
    config.ignore('sinusoidal_pos_embds', 'tie_weights_', 'tie_word_embeddings');
    const heads = readHeads(config, { width: 'dim', heads: 'n_heads' });
    const { width } = heads;
    const stored = config.count('max_position_embeddings', 'context', 512);
    const specification: TransformerSpecification = {
      ...heads,
      hiddenWidth: config.count('hidden_dim', 'features'),
      vocabularySize: config.count('vocab_size', 'vocabulary'),
      contextLength: Math.min(stored, options.contextLimit),
      layers: alike(config.count('n_layers', 'layers')),
      norm: { kind: 'layer', epsilon: 1e-12 },
      normPlacement: 'after',
      residual: 'sequential',
      activation: config.oneOf('activation', ACTIVATIONS, 'gelu'),
      gated: false,
    };
    const choice = readHead(config, options);
    return {
      kind: 'encoder',
      specification,
      names: {
        prefixes: ['distilbert.', ''],
        marker: 'embeddings.word_embeddings.weight',
        unused: [/position_ids$/, /^vocab_/, ...(choice.kind === 'embedding' ? [/^(pre_)?classifier\./] : [])],
      },
      async weights(checkpoint) {
        const { base } = checkpoint;
        const layers = await readLayers(specification, (index) =>
          readPostNormLayer(checkpoint, { name: base(`transformer.layer.${index}`), names: LAYER }, specification),
        );
        const positions = await checkpoint.tensor(base('embeddings.position_embeddings.weight'), [stored, width]);
        const weights = {
          embedding: await checkpoint.tensor(base('embeddings.word_embeddings.weight'), [
            specification.vocabularySize,
            width,
          ]),
          positions: positions.slice(0, specification.contextLength * width),
          embeddingNorm: await checkpoint.norm(base('embeddings.LayerNorm'), width, { bias: true }),
          layers,
        };
        if (choice.kind === 'embedding') return { weights, head: choice };
        const { classes } = choice;
        const names = { pooler: 'pre_classifier', activation: 'relu' } as const;
        return { weights, head: await readClassifier(checkpoint, { width, classes }, names) };
      },
    };
  },
};

const LAYER: PostNormNames = {
  q: 'attention.q_lin',
  k: 'attention.k_lin',
  v: 'attention.v_lin',
  o: 'attention.out_lin',
  attentionNorm: 'sa_layer_norm',
  up: 'ffn.lin1',
  down: 'ffn.lin2',
  feedForwardNorm: 'output_layer_norm',
};
