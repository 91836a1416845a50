import { writeSync } from 'node:fs';
import * as v from 'valibot';
import { defineMethod } from '../../../engine/definitions/method.ts';

export default defineMethod({
  id: 'prints',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  description: 'Prints a gigabyte, then says so.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  compress(model) {
    const line = `${'x'.repeat(65_535)}\n`;
    for (let i = 0; i < 16_384; i++) print(line);
    throw new Error(`printed a gigabyte for ${model.id}`);
  },
});

/** At once: what process.stderr queues would be dropped at the end. */
function print(line: string): void {
  for (;;) {
    try {
      writeSync(2, line);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error; // the pipe is full
    }
  }
}
