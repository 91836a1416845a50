/** MiniLM-L6 as a classifier of sentence pairs: paraphrase or not. */
import made from './fine-tuned/minilm-l6-mrpc.json' with { type: 'json' };
import { defineFineTunedModel } from './shared/fine-tuned/fine-tuned-definition.ts';
import minilmL6 from './minilm-l6.ts';

export default defineFineTunedModel({
  id: 'minilm-l6-mrpc',
  title: 'MiniLM-L6 on MRPC',
  licence: 'Apache-2.0',
  trainedOn: ['mrpc'],
  base: minilmL6,
  recipe: {
    revision: 1,
    dataset: 'mrpc',
    contentHash: '6903f38fdffa07de82ce6ceac51d72a5e57aa934bf8f22dece660f3fa0487b35',
    classes: ['not equivalent', 'equivalent'],
    seed: 'fine-tune-1',
    steps: 410,
    batch: 16,
    longest: 128,
    learningRate: 1e-4,
    warmUpSteps: 41,
    weightDecay: 0.01,
    frozenEmbedding: true,
    threads: 2,
  },
  published: 'none known of MiniLM-L6',
  made,
});
