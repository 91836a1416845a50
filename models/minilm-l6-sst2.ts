/** MiniLM-L6 as a classifier of sentences from film reviews: negative or positive. */
import made from './fine-tuned/minilm-l6-sst2.json' with { type: 'json' };
import { defineFineTunedModel } from './shared/fine-tuned/fine-tuned-definition.ts';
import minilmL6 from './minilm-l6.ts';

export default defineFineTunedModel({
  id: 'minilm-l6-sst2',
  title: 'MiniLM-L6 on SST-2',
  licence: 'Apache-2.0',
  trainedOn: ['sst2'],
  base: minilmL6,
  recipe: {
    revision: 1,
    dataset: 'sst2',
    contentHash: '4bf664faca1b6ac3837a758e0cf00638e2e89b8de2f5ab8399dcc222e26f0d66',
    classes: ['negative', 'positive'],
    seed: 'fine-tune-1',
    steps: 1000,
    batch: 32,
    longest: 128,
    learningRate: 1e-4,
    warmUpSteps: 100,
    weightDecay: 0.01,
    frozenEmbedding: true,
    threads: 2,
  },
  published: '0.9014 (MiniLM-L6-H384 in ONNX; Intel Neural Compressor, validated_model_list.md)',
  made,
});
