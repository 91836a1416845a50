/** The last word of TinyWorld stories, which follows from the state of the world. The card is datasets/tinyworld.md. */
import { defineTinyWorld, onlyTest } from './shared/tinyworld/definition.ts';
import { LAST_WORD_SLICES, lastWords } from './shared/tinyworld/last-words.ts';

export default defineTinyWorld({
  id: 'tinyworld-last-word',
  title: 'TinyWorld last word',
  version: '1',
  contentHash: '48d1bf99044c2b2677cb58b781a108d0cc9a0562ee5807f962c2976d8f6986e9',
  evaluationOnly: true,
  tasks: [
    {
      id: 'tinyworld-last-word-choice-accuracy',
      title: 'TinyWorld last word',
      dataset: 'tinyworld-last-word',
      metric: 'choice-accuracy',
      higherIsBetter: true,
      chance: 0.25,
      slices: LAST_WORD_SLICES,
      description:
        'Complete a story with the one of four words that follows from its events: where a thing is, who has it, how many there are ' +
        'after some came and went, or how many two people have together.',
    },
  ],
  rows: () => onlyTest(lastWords()),
});
