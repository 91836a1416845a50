/**
 * RoBERTa: BERT without segments, whose positions start after the padding token's id.
 * https://github.com/huggingface/transformers, models/roberta.
 */
import { present } from '../../../contracts/present.ts';
import type { Architecture } from './architecture.ts';
import { bertWeights, readBertSpecification } from './bert.ts';
import { readClassifier, readHead } from './encoder-head.ts';

export const roberta: Architecture = {
  modelType: 'roberta',
  kind: 'encoder',
  read(config, options) {
    const skipped = (config.has('pad_token_id') ? config.index('pad_token_id') : 1) + 1;
    const { specification, stored } = readBertSpecification(config, { contextLimit: options.contextLimit, skipped });
    // There is a single segment, whose row is added to every position.
    config.expect('type_vocab_size', [1]);
    const choice = readHead(config, options);
    return {
      kind: 'encoder',
      specification,
      names: {
        prefixes: ['roberta.', ''],
        marker: 'embeddings.word_embeddings.weight',
        unused: [
          /position_ids$/,
          /^lm_head\./,
          /(^|\.)pooler\./,
          ...(choice.kind === 'embedding' ? [/^classifier\./] : []),
        ],
      },
      async weights(checkpoint) {
        const { width } = specification;
        const bare = await bertWeights(checkpoint, { specification, stored, skipped });
        const segment = await checkpoint.tensor(checkpoint.base('embeddings.token_type_embeddings.weight'), [1, width]);
        const positions = bare.positions.map((value, at) => value + present(segment[at % width], 'segment[at%width]'));
        const weights = { ...bare, positions };
        if (choice.kind === 'embedding') return { weights, head: choice };
        const { classes } = choice;
        const names = { pooler: 'classifier.dense', activation: 'tanh', classifier: 'classifier.out_proj' } as const;
        return { weights, head: await readClassifier(checkpoint, { width, classes }, names) };
      },
    };
  },
};
