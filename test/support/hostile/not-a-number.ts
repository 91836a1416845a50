import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import * as v from 'valibot';
import { defineMethod } from '../../../engine/definitions/method.ts';

export default defineMethod({
  id: 'not-a-number',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  description: 'Fills a weight with NaN.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  compress(model) {
    const [linear] = model.linears;
    if (!linear) return model;
    const { inFeatures, outFeatures } = linear;
    const weight = new Float32Array(inFeatures * outFeatures).fill(Number.NaN);
    return model.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], weight));
  },
});
