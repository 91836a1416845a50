import * as v from 'valibot';
import { defineMethod } from '../../../engine/definitions/method.ts';

export default defineMethod({
  id: 'waits',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  description: 'Waits for ever on a promise, with a timer that keeps it alive.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  compress() {
    setInterval(() => {}, 1000);
    return new Promise(() => {});
  },
});
