/** MiniLM-L6 as a classifier of sentence pairs: does the second follow from the first? */
import made from './fine-tuned/minilm-l6-rte.json' with { type: 'json' };
import { defineFineTunedModel } from './shared/fine-tuned/fine-tuned-definition.ts';
import minilmL6 from './minilm-l6.ts';

export default defineFineTunedModel({
  id: 'minilm-l6-rte',
  title: 'MiniLM-L6 on RTE',
  licence: 'Apache-2.0',
  trainedOn: ['rte'],
  base: minilmL6,
  recipe: {
    revision: 1,
    dataset: 'rte',
    contentHash: '1f16c64f7f5a070cee2b82064f44199d6099fd668a9a55cd2dcdb9dc34f6217c',
    classes: ['entailment', 'not entailment'],
    seed: 'fine-tune-1',
    steps: 280,
    batch: 16,
    longest: 128,
    learningRate: 1e-4,
    warmUpSteps: 28,
    weightDecay: 0.01,
    frozenEmbedding: true,
    threads: 2,
  },
  published: 'none known of MiniLM-L6',
  made,
});
