/** SST-2: sentences and phrases of film reviews, positive or negative. */
import { defineGlue } from './shared/glue.ts';

export default defineGlue({
  id: 'sst2',
  title: 'SST-2',
  licence: 'no licence stated; research use',
  citation:
    'Richard Socher and others: Recursive Deep Models for Semantic Compositionality Over a Sentiment Treebank, 2013, https://aclanthology.org/D13-1170/',
  source: { repo: 'stanfordnlp/sst2', revision: '8d51e7e4887a4caaa95b3fbebbf53c0490b58bbb' },
  contentHash: '4bf664faca1b6ac3837a758e0cf00638e2e89b8de2f5ab8399dcc222e26f0d66',
  train: { path: 'data/train-00000-of-00001.parquet', rows: 67_349 },
  test: { path: 'data/validation-00000-of-00001.parquet', rows: 872 },
  columns: ['sentence'],
  classes: ['negative', 'positive'],
  validation: 1_000,
  calibration: 4_000,
  description: 'Decide for 872 sentences from film reviews whether the reviewer liked the film.',
});
