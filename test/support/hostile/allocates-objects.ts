import * as v from 'valibot';
import { defineMethod } from '../../../engine/definitions/method.ts';

export default defineMethod({
  id: 'allocates-objects',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  description: 'Allocates JavaScript objects without end.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  compress() {
    const kept: unknown[] = [];
    for (;;) kept.push({ at: kept.length, next: kept.at(-1) });
  },
});
