import * as v from 'valibot';
import { defineMethod } from '../../../engine/definitions/method.ts';

export default defineMethod({
  id: 'loops',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  description: 'Loops for ever without giving the event loop a turn.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  compress(model) {
    for (let i = 0; ; i = (i + 1) | 0) if (i === 0.5) return model;
  },
});
