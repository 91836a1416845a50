/** DistilBERT: BERT without segments and with a head of its own. https://github.com/huggingface/transformers, models/distilbert. */
import type { LayerWeights, TransformerSpecification } from '../transformer/specification.ts';
import { ACTIVATIONS } from './activations.ts';
import type { Architecture } from './architecture.ts';
import type { Checkpoint } from './checkpoint.ts';
import { readHead } from './encoder-head.ts';

export const distilbert: Architecture = {
  modelType: 'distilbert',
  kind: 'encoder',
  read(config, options) {
    // The table that sinusoids fill is stored all the same.
    config.ignore('sinusoidal_pos_embds', 'tie_weights_', 'tie_word_embeddings');
    const width = config.count('dim', 'features');
    const heads = config.count('n_heads', 'heads');
    if (width % heads !== 0) throw config.fault(`${heads} heads do not divide the width ${width}`);
    const stored = config.count('max_position_embeddings', 'context', 512);
    const specification: TransformerSpecification = {
      width,
      hiddenWidth: config.count('hidden_dim', 'features'),
      heads,
      keyValueHeads: heads,
      headWidth: width / heads,
      vocabularySize: config.count('vocab_size', 'vocabulary'),
      contextLength: Math.min(stored, options.contextLimit),
      layers: Array.from({ length: config.count('n_layers', 'layers') }, () => ({})),
      norm: { kind: 'layer', epsilon: 1e-12 },
      normPlacement: 'after',
      residual: 'sequential',
      activation: config.oneOf('activation', ACTIVATIONS, 'gelu'),
      gated: false,
      scoreScale: 1 / Math.sqrt(width / heads),
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
        const layers: LayerWeights[] = [];
        for (const index of specification.layers.keys()) {
          layers.push(await layerWeights(checkpoint, base(`transformer.layer.${index}`), specification));
        }
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
        const pooler = await checkpoint.linear('pre_classifier', [width, width], { bias: true });
        const classifier = await checkpoint.linear('classifier', [width, classes], { bias: true });
        return {
          weights,
          head: { kind: 'classifier', pooling: 'first', classes, pooler, activation: 'relu', classifier },
        };
      },
    };
  },
};

async function layerWeights(
  checkpoint: Checkpoint,
  name: string,
  { width, hiddenWidth }: TransformerSpecification,
): Promise<LayerWeights> {
  const linear = (part: string, dims: readonly [number, number]) =>
    checkpoint.linear(`${name}.${part}`, dims, { bias: true });
  const norm = (part: string) => checkpoint.norm(`${name}.${part}`, width, { bias: true });
  return {
    q: await linear('attention.q_lin', [width, width]),
    k: await linear('attention.k_lin', [width, width]),
    v: await linear('attention.v_lin', [width, width]),
    o: await linear('attention.out_lin', [width, width]),
    attentionNorm: await norm('sa_layer_norm'),
    up: await linear('ffn.lin1', [width, hiddenWidth]),
    down: await linear('ffn.lin2', [hiddenWidth, width]),
    feedForwardNorm: await norm('output_layer_norm'),
  };
}
