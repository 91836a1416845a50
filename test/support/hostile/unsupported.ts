import { UnsupportedError } from '../../../contracts/errors.ts';
import * as v from 'valibot';
import { defineMethod } from '../../../engine/definitions/method.ts';

export default defineMethod({
  id: 'unsupported',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  description: 'Says honestly that it cannot.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  compress(model) {
    throw new UnsupportedError(`unsupported: ${model.architecture} has no convolution to prune`);
  },
});
