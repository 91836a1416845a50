/**
 * A GPT-2-style decoder of a quarter of a million weights, trained on TinyWorld: the smaller dense model beside tinyworld-gpt.
 * Its card is models/tinyworld/tinyworld-gpt-small.md.
 */
import { defineTinyWorldGpt, TINYWORLD_GPT_SMALL, type TinyWorldWeights } from './shared/tinyworld-models.ts';
import type { GptConfig } from './shared/gpt-weights.ts';

export const smallWeights: TinyWorldWeights<GptConfig> = {
  id: 'tinyworld-gpt-small',
  config: TINYWORLD_GPT_SMALL,
  sha256: '602f90bd03c763375838bd187606db0df8eefcaee6ad3634fc707c21b85f07f0',
};

export default defineTinyWorldGpt({ title: 'TinyWorld GPT small', ...smallWeights });
