import * as v from 'valibot';
import { defineMethod } from '../../../engine/definitions/method.ts';

export default defineMethod({
  id: 'allocates',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  description: 'Allocates memory outside the JavaScript heap without end.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  compress() {
    const kept: Uint8Array[] = [];
    for (;;) kept.push(new Uint8Array(16 * 2 ** 20).fill(kept.length));
  },
});
