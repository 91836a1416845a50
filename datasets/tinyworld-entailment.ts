/** Does a statement follow from a story, contradict it, or is it left open? The card is datasets/tinyworld.md. */
import { defineTinyWorld } from './shared/tinyworld/definition.ts';
import { ENTAILMENT_CLASSES, ENTAILMENT_SLICES } from './shared/tinyworld/entailment.ts';
import { entailmentRows } from './shared/tinyworld/entailment-rows.ts';

export default defineTinyWorld({
  id: 'tinyworld-entailment',
  title: 'TinyWorld entailment',
  version: '1',
  contentHash: 'f578997f649321bff05a2c777a3e60ded40ed7fc8bc83a40668dff2a0f42f3b5',
  tasks: [
    {
      id: 'tinyworld-entailment-classification-accuracy',
      title: 'TinyWorld entailment',
      dataset: 'tinyworld-entailment',
      metric: 'classification-accuracy',
      higherIsBetter: true,
      chance: 1 / ENTAILMENT_CLASSES.length,
      slices: ENTAILMENT_SLICES,
      classes: ENTAILMENT_CLASSES,
      description:
        'Say of a statement about a story of some six sentences whether it follows from the story, contradicts it, or is ' +
        'left open by it, where it turns on a place, an owner, a number, a fact or a denial.',
    },
  ],
  rows: entailmentRows,
});
