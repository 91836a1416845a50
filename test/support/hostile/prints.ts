import * as v from 'valibot';
import { defineMethod } from '../../../harness/contracts/method.ts';

export default defineMethod({
  id: 'prints',
  family: 'pruning',
  access: 'data-free',
  description: 'Prints without end until it is done with a quarter of a gigabyte, then works.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  compress(model) {
    const line = `${'x'.repeat(65_535)}\n`;
    for (let i = 0; i < 4096; i++) process.stderr.write(line);
    throw new Error(`printed enough for ${model.id}`);
  },
});
