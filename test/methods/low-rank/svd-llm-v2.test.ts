import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import method, { removals } from '../../../methods/low-rank/svd-llm-v2.ts';
import svdWhitened from '../../../methods/low-rank/svd-whitened.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { effectiveWeight } from '../../support/effective-weight.ts';
import { methodContext } from '../../support/method-context.ts';
import { largestDifference } from '../../support/run-model.ts';
import { tinyBert, tinyLlama } from '../../support/tiny-model.ts';

describe('removals', () => {
  it('removes most where the loss is smallest, by the reciprocal of the logarithm', () => {
    // log(1 + L) is 1 and 3.
    const losses = [Math.E - 1, Math.E ** 3 - 1];
    const [first = 0, second = 0] = removals(losses, 0.4);
    expect(first).toBeCloseTo((2 * 0.4 * 3) / 4, 12);
    expect(second).toBeCloseTo((2 * 0.4 * 1) / 4, 12);
  });

  it('removes the given share on average, and equal shares at equal losses', () => {
    const mixed = removals([3, 50, 700, 9], 0.25);
    expect(mixed.reduce((sum, each) => sum + each, 0) / 4).toBeCloseTo(0.25, 12);
    for (const each of removals([5, 5, 5], 0.25)) expect(each).toBeCloseTo(0.25, 12);
  });
});

describe('the method svd-llm-v2', () => {
  const compress = async (model: Model, of = method) =>
    (await of.compress(model, methodContext({ method: of, variant: 'p50', model }).context)) as Model;
  const parameters = ({ onnx }: Model) =>
    [...onnx.graph.initializers].reduce(
      (sum, [name, { dims }]) => sum + (/\.(down|up)$/.test(name) ? dims.reduce((a, b) => a * b, 1) : 0),
      0,
    );

  it.each([
    ['tiny-llama', tinyLlama({ layers: 4 })],
    ['tiny-bert', tinyBert({ layers: 4 })],
  ])('keeps about as many parameters as equal shares: %s', async (_, model) => {
    const [own, uniform] = [await compress(model), await compress(model, svdWhitened)];
    expect(Math.abs(parameters(own) / parameters(uniform) - 1)).toBeLessThan(0.05);
  });

  it('keeps more of a matrix with a larger loss', async () => {
    const plain = tinyLlama({ layers: 2, width: 64, hiddenWidth: 96 });
    const [weak, strong] = plain.roles.layers.map(({ up }) => up);
    if (!weak || !strong) throw new Error('two layers expected');
    const larger = plain.weight(strong).map((value) => 50 * value);
    const model = plain.withWeight(strong, tensorOf('float32', [strong.inFeatures, strong.outFeatures], larger));
    const { initializers } = (await compress(model)).onnx.graph;
    const rank = ({ weight }: { readonly weight: string }) => initializers.get(`${weight}.down`)?.dims[1] ?? 0;
    expect(rank(strong)).toBeGreaterThan(1.2 * rank(weak));
  });

  it('equals svd-whitened for a single layer', async () => {
    const model = tinyLlama({ layers: 1 });
    const [own, uniform] = [await compress(model), await compress(model, svdWhitened)];
    for (const linear of model.linears) {
      expect(largestDifference(effectiveWeight(own, linear), effectiveWeight(uniform, linear))).toBeLessThan(1e-5);
    }
  });
});
