/** The dense model unchanged, measured by the same pipeline as every method. */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';

export default defineMethod({
  id: 'dense',
  family: 'control',
  access: 'data-free',
  revision: 2,
  control: true,
  description:
    'The uncompressed float32 model, unchanged. ' +
    'It goes through the same pipeline as every method, so its entry shows what the pipeline itself adds: no loss of quality, and only noise in speed.',
  paper: {
    title: 'A Comprehensive Survey of Compression Algorithms for Language Models',
    authors: 'Seungcheol Park, Jaehyeon Choi, Sojin Lee, U Kang',
    year: 2024,
    url: 'https://arxiv.org/abs/2401.15347',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { fp32: { floats: 'float32' } },

  compress(model, { signal }) {
    signal.throwIfAborted();
    return model;
  },
});
