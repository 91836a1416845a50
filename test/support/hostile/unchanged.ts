import * as v from 'valibot';
import { defineMethod } from '../../../engine/definitions/method.ts';

export default defineMethod({
  id: 'unchanged',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  description: 'Returns the dense model as its own compression.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: { floats: 'float32' } },
  compress: (model) => model,
});
