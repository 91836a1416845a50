/** A BERT-style encoder of a million weights, trained on TinyWorld's entailment pairs. Its card is models/tinyworld/tinyworld-bert.md. */
import { defineTinyWorldBert, TINYWORLD_BERT } from './shared/tinyworld-models.ts';

export default defineTinyWorldBert({
  title: 'TinyWorld BERT',
  id: 'tinyworld-bert',
  config: TINYWORLD_BERT,
  sha256: '2e42c42a027c166a5fe4c1fb152c254da89eb2888ff64b837b2b267c36ee894e',
});
