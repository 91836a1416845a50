/** Recall of TinyWorld's invented facts, by how often training text states them. The card is datasets/tinyworld.md. */
import { defineTinyWorld, onlyTest } from './shared/tinyworld/definition.ts';
import { FACT_SLICES, factQuestions } from './shared/tinyworld/fact-questions.ts';

export default defineTinyWorld({
  id: 'tinyworld-facts',
  title: 'TinyWorld facts',
  version: '1',
  contentHash: '685764197161e9ca6b94f018337dcb632cabbc7529751b7372897d4cefc1a1fb',
  evaluationOnly: true,
  tasks: [
    {
      id: 'tinyworld-facts-choice-accuracy',
      title: 'TinyWorld fact recall',
      dataset: 'tinyworld-facts',
      metric: 'choice-accuracy',
      higherIsBetter: true,
      chance: 0.25,
      slices: Object.keys(FACT_SLICES),
      description:
        'Complete a sentence with one of four answers, of which the training text stated one, for facts it stated at least ' +
        '80 times (head), 25 to 60 times (middle) or at most 12 times (tail).',
    },
  ],
  rows: () => onlyTest(factQuestions()),
});
