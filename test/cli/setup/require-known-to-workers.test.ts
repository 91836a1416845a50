import { expect, it } from 'vitest';
import { requireKnownToWorkers } from '../../../cli/setup/require-known-to-workers.ts';
import { models } from '../../../models/index.ts';
import { tinyEntry } from '../../support/tiny-suite.ts';

it('accepts registered models, and refuses one that workers cannot look up', () => {
  expect(() => requireKnownToWorkers(models.map((model) => ({ model })))).not.toThrow();
  expect(() => requireKnownToWorkers([tinyEntry([])])).toThrow('tiny-llama: workers of a fleet know registered models');
});
