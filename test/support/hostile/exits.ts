import * as v from 'valibot';
import { defineMethod } from '../../../engine/definitions/method.ts';

export default defineMethod({
  id: 'exits',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  description: 'Ends its process without a word.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  compress() {
    process.exit(0);
  },
});
