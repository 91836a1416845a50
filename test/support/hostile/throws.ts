import * as v from 'valibot';
import { defineMethod } from '../../../engine/definitions/method.ts';

export default defineMethod({
  id: 'throws',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  description: 'Throws an error that is none of ours.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  compress() {
    throw new RangeError('the matrix is not the matrix I expected');
  },
});
