import { readdirSync, writeFileSync } from 'node:fs';
import * as v from 'valibot';
import { defineMethod } from '../../../engine/definitions/method.ts';

export default defineMethod({
  id: 'garbage',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  description: 'Swaps its artifact for garbage bytes once the harness has written it.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  compress(model) {
    process.once('exit', () => {
      if (readdirSync('.').includes('artifact.onnx')) {
        writeFileSync(
          'artifact.onnx',
          Uint8Array.from({ length: 5000 }, (_, i) => (i * 37) % 251),
        );
      }
    });
    return model;
  },
});
