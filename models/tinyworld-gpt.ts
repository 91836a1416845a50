/** A GPT-2-style decoder of a million weights, trained on TinyWorld. Its card is models/tinyworld/tinyworld-gpt.md. */
import { defineTinyWorldGpt, TINYWORLD_GPT } from './shared/tinyworld-models.ts';
import { smallWeights } from './tinyworld-gpt-small.ts';

export default defineTinyWorldGpt({
  title: 'TinyWorld GPT',
  id: 'tinyworld-gpt',
  config: TINYWORLD_GPT,
  sha256: 'd118d27535b5e0d52aa1c7a8110583da376d2c0dd848f581bfda570e905abd98',
  smaller: smallWeights,
});
