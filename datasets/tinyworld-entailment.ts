/** Does a statement follow from a story, contradict it, or is it left open? The card is datasets/tinyworld.md. */
import { defineTinyWorld } from './shared/tinyworld/definition.ts';
import { ENTAILMENT_CLASSES, ENTAILMENT_SLICES } from './shared/tinyworld/entailment.ts';
import { entailmentRows } from './shared/tinyworld/entailment-rows.ts';

export default defineTinyWorld({
  id: 'tinyworld-entailment',
  title: 'TinyWorld entailment',
  version: '2',
  contentHash: '0b3b381424fba08369fa614abcb53a15f5a7c330a59f9f24e4c97351344bb9aa',
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
        'Classify a statement about a story of about four sentences: it follows from the story, contradicts it, or is ' +
        'left open by it, where it turns on a place, an owner, a number, a fact or a denial.',
    },
  ],
  rows: entailmentRows,
});
