/** BERT and MiniLM: https://github.com/huggingface/transformers, models/bert. */
import type { EncoderWeights } from '../transformer/encoder.ts';
import type { TransformerSpecification } from '../transformer/specification.ts';
import { ACTIVATIONS } from './activations.ts';
import type { Architecture, ReadOptions } from './architecture.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { ConfigFields } from './config-fields.ts';
import { readClassifier, readHead } from './encoder-head.ts';
import { alike, readHeads, readLayers } from './layers.ts';
import { type PostNormNames, readPostNormLayer } from './post-norm-layer.ts';

export const bert: Architecture = {
  modelType: 'bert',
  kind: 'encoder',
  read(config, options) {
    const { specification, stored } = readBertSpecification(config, { contextLimit: options.contextLimit, skipped: 0 });
    config.expect('type_vocab_size', [2]);
    const choice = readHead(config, options);
    return {
      kind: 'encoder',
      specification,
      names: {
        prefixes: ['bert.', ''],
        marker: 'embeddings.word_embeddings.weight',
        unused: [
          /position_ids$/,
          /^cls\./,
          ...(choice.kind === 'embedding' ? [/(^|\.)pooler\./, /^classifier\./] : []),
        ],
      },
      async weights(checkpoint) {
        const weights = await bertWeights(checkpoint, { specification, stored, skipped: 0 });
        const segments = await checkpoint.tensor(checkpoint.base('embeddings.token_type_embeddings.weight'), [
          2,
          specification.width,
        ]);
        if (choice.kind === 'embedding') return { weights: { ...weights, segments }, head: choice };
        const { width } = specification;
        const { classes } = choice;
        const names = { pooler: checkpoint.base('pooler.dense'), activation: 'tanh' } as const;
        return {
          weights: { ...weights, segments },
          head: await readClassifier(checkpoint, { width, classes }, names),
        };
      },
    };
  },
};

/** `skipped`: leading rows of the position table that belong to no position. */
export function readBertSpecification(
  config: ConfigFields,
  { contextLimit, skipped }: Pick<ReadOptions, 'contextLimit'> & { readonly skipped: number },
): { readonly specification: TransformerSpecification; readonly stored: number } {
  config.expect('position_embedding_type', ['absolute']);
  config.expect('is_decoder', [false]);
  config.expect('add_cross_attention', [false]);
  config.expect('pruned_heads', [{}]);
  config.ignore(
    'tie_word_embeddings',
    'pooler_fc_size',
    'pooler_num_attention_heads',
    'pooler_num_fc_layers',
    'pooler_size_per_head',
    'pooler_type',
  );
  const heads = readHeads(config);
  const stored = config.count('max_position_embeddings', 'context', 512);
  if (stored <= skipped)
    throw config.fault(`"max_position_embeddings" is ${stored}, of which ${skipped} belong to no position`);
  const specification: TransformerSpecification = {
    ...heads,
    hiddenWidth: config.count('intermediate_size', 'features'),
    vocabularySize: config.count('vocab_size', 'vocabulary'),
    contextLength: Math.min(stored - skipped, contextLimit),
    layers: alike(config.count('num_hidden_layers', 'layers')),
    norm: { kind: 'layer', epsilon: config.positive('layer_norm_eps', 1e-12) },
    normPlacement: 'after',
    residual: 'sequential',
    activation: config.oneOf('hidden_act', ACTIVATIONS, 'gelu'),
    gated: false,
  };
  return { specification, stored };
}

/** All weights except segments and head. */
export async function bertWeights(
  checkpoint: Checkpoint,
  {
    specification,
    stored,
    skipped,
  }: { readonly specification: TransformerSpecification; readonly stored: number; readonly skipped: number },
): Promise<Omit<EncoderWeights, 'segments'> & { readonly positions: Float32Array }> {
  const { width, vocabularySize, contextLength } = specification;
  const { base } = checkpoint;
  const layers = await readLayers(specification, (index) =>
    readPostNormLayer(checkpoint, { name: base(`encoder.layer.${index}`), names: BERT_LAYER }, specification),
  );
  const positions = await checkpoint.tensor(base('embeddings.position_embeddings.weight'), [stored, width]);
  return {
    embedding: await checkpoint.tensor(base('embeddings.word_embeddings.weight'), [vocabularySize, width]),
    positions: positions.slice(skipped * width, (skipped + contextLength) * width),
    embeddingNorm: await checkpoint.norm(base('embeddings.LayerNorm'), width, { bias: true }),
    layers,
  };
}

/** Names of a layer's weights, relative to the layer. */
export const BERT_LAYER: PostNormNames = {
  q: 'attention.self.query',
  k: 'attention.self.key',
  v: 'attention.self.value',
  o: 'attention.output.dense',
  attentionNorm: 'attention.output.LayerNorm',
  up: 'intermediate.dense',
  down: 'output.dense',
  feedForwardNorm: 'output.LayerNorm',
};
