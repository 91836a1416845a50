/**
 * TinyWorld: text about a small invented world, generated from a seed: facts with Zipf-distributed frequency, stories
 * that change the state of the world, agreement over distance, small sums. The card is datasets/tinyworld.md.
 */
import { tinyWorldCorpus } from './shared/tinyworld/corpus.ts';
import { defineTinyWorld } from './shared/tinyworld/definition.ts';

export default defineTinyWorld({
  id: 'tinyworld',
  title: 'TinyWorld',
  version: '1',
  contentHash: '8ff494c9fa0d29bd74e55713eccfcb29c68fee475ac46ed0e366df1cc09872f5',
  tasks: [
    {
      id: 'tinyworld-perplexity',
      title: 'TinyWorld perplexity',
      dataset: 'tinyworld',
      metric: 'perplexity',
      higherIsBetter: false,
      description: 'Predict each next token of 120 documents about a small invented world, each by itself.',
    },
  ],
  rows: () => tinyWorldCorpus().splits,
});
