import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { multiply, transpose } from '../../../numerics/tensor/linear-algebra.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import method, { rotated } from '../../../methods/quantization/quarot.ts';
import { randomHadamard } from '../../../methods/shared/solvers/random-hadamard.ts';
import { methodContext } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

const rows = [
  [3, 10, 17, 24, 31, 38],
  [1, 2, 3, 5, 8, 13],
];

describe('randomHadamard', () => {
  it.each([1, 2, 8, 12, 33, 96])('is orthonormal at size %i', (size) => {
    const matrix = randomHadamard(size, createRandom('hadamard'));
    const right = transpose(matrix, size, size);
    const product = multiply({ left: matrix, right, rows: size, inner: size, columns: size });
    const identity = Array.from({ length: size * size }, (_, at) => (at % (size + 1) === 0 ? 1 : 0));
    expect(largestDifference(product, identity)).toBeLessThan(1e-12);
  });

  it('has elements of one size where the size is a power of two', () => {
    for (const value of randomHadamard(16, createRandom('hadamard'))) expect(Math.abs(value)).toBeCloseTo(1 / 4, 12);
  });
});

const models = {
  'tied RMSNorm, grouped heads': tinyLlama(),
  'untied RMSNorm, width not a power of two': tinyLlama({ tied: false, width: 48, heads: 4, keyValueHeads: 4 }),
  'tied LayerNorm with biases': tinyGpt({ width: 40 }),
};

describe('rotated', () => {
  it.each(Object.entries(models))('computes the same logits: %s', async (_name, model) => {
    const turned = rotated(model, createRandom('rotation'));
    const dense = await logitsOf(model, rows);
    expect(largestDifference(await logitsOf(turned, rows), dense)).toBeLessThan(2e-5);
    for (const linear of model.linears)
      expect(largestDifference(turned.weight(linear), model.weight(linear))).toBeGreaterThan(0.01);
  });

  it('spreads an input whose weights are much larger than the others over all inputs', () => {
    const dense = tinyLlama();
    const [{ q }] = dense.roles.layers as [Model['roles']['layers'][number]];
    const weight = dense.weight(q).map((value, at) => (Math.floor(at / q.outFeatures) === 5 ? 20 * value : value));
    const model = dense.withWeight(q, tensorOf('float32', [q.inFeatures, q.outFeatures], weight));
    /** max |w| over root mean square: the paper's measure, times √(in · out) ‖W‖F⁻¹. */
    const incoherence = (of: Float32Array) =>
      of.reduce((most, value) => Math.max(most, Math.abs(value)), 0) /
      Math.sqrt(of.reduce((sum, value) => sum + value * value, 0) / of.length);
    const turned = rotated(model, createRandom('rotation')).weight(q);
    expect(incoherence(turned)).toBeLessThan(0.6 * incoherence(weight));
  });

  it('refuses a model that normalises after its sublayers, and names it', () => {
    expect(() => rotated(tinyBert(), createRandom('rotation'))).toThrow(/^tiny-bert: expected each sublayer/);
  });
});

describe('the method quarot', () => {
  it.each(['w4g32', 'w2g32-nearest', 'w4g32-e4'])('gives finite logits near those of dense: %s', async (variant) => {
    const model = tinyLlama();
    const { context } = methodContext({ method, variant, model });
    const packed = (await method.compress(model, context)) as Model;
    const [found, dense] = [await logitsOf(packed, rows), await logitsOf(model, rows)];
    const error = Math.sqrt(found.reduce((sum, value, i) => sum + (value - dense[i]!) ** 2, 0) / found.length);
    const size = Math.sqrt(dense.reduce((sum, value) => sum + value ** 2, 0) / dense.length);
    expect(error / size).toBeLessThan(variant.startsWith('w4') ? 0.3 : 1);
  });
});
