import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { multiply, thinSvd } from '../../../numerics/tensor/linear-algebra.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import recursiveLora, { relax } from '../../../methods/sharing/recursive-lora.ts';
import { cycledLayers, tiedLinears, withTiedWeights } from '../../../methods/shared/surgery/tied-weights.ts';
import { methodContext } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

const { signal } = new AbortController();
const tie = (model: Model, distinct: number) =>
  withTiedWeights(model, tiedLinears(model, cycledLayers(model.roles.layers.length, distinct), 'all'), 'average');
const initializer = (onnx: Model['onnx'], name: string) =>
  elements(onnx.graph.initializers.get(name) as never, 'float32');

describe('relax', () => {
  it('starts with the error of the shared weights, truncated by its singular values', async () => {
    const model = tinyLlama({ layers: 3 });
    const tied = tie(model, 2);
    const { onnx } = await relax({ model, tied, delta: 0.25, signal });
    for (const [index, linear] of model.linears.entries()) {
      const { weight, inFeatures: rows, outFeatures: columns } = linear;
      const shared = tied.linears[index] as typeof linear;
      if (!onnx.graph.initializers.has(`${weight}.delta_a`)) {
        // The second of two layers in the block is there once.
        expect(weight).toMatch(/^layers\.1\./);
        continue;
      }
      const [a, b] = ['a', 'b'].map((side) => Float64Array.from(initializer(onnx, `${weight}.delta_${side}`)));
      const rank = (a?.length ?? 0) / rows;
      expect(rank).toBe(Math.floor((0.25 * rows * columns) / (rows + columns)));
      const common = tied.weight(shared);
      const missing = Float64Array.from(model.weight(linear), (value, at) => value - common[at]!);
      const { s } = thinSvd(missing, rows, columns);
      const product = multiply({ left: a as Float64Array, right: b as Float64Array, rows, inner: rank, columns });
      const error = product.reduce((sum, value, at) => sum + (value - missing[at]!) ** 2, 0);
      expect(error).toBeCloseTo(
        s.subarray(rank).reduce((sum, value) => sum + value * value, 0),
        4,
      );
    }
  });

  it('computes the same as the model where layers differ by no more than the low-rank parts can hold', async () => {
    const random = createRandom('alike');
    let model = tinyGpt();
    for (const linear of model.linears.slice(model.linears.length / 2)) {
      const { inFeatures, outFeatures } = linear;
      const first = model.weight(
        model.linears[model.linears.indexOf(linear) - model.linears.length / 2] as typeof linear,
      );
      const [left, right] = [inFeatures, outFeatures].map((size) =>
        Float64Array.from({ length: 4 * size }, () => random.normal() / 8),
      );
      const apart = multiply({
        left: left as Float64Array,
        right: right as Float64Array,
        rows: inFeatures,
        inner: 4,
        columns: outFeatures,
      });
      model = model.withWeight(
        linear,
        tensorOf(
          'float32',
          [inFeatures, outFeatures],
          first.map((value, at) => value + (apart[at] as number)),
        ),
      );
    }
    const tied = tie(model, 1);
    const rows = [[1, 9, 17, 4, 33]];
    const dense = await logitsOf(model, rows);
    expect(largestDifference(await logitsOf(tied, rows), dense)).toBeGreaterThan(0.1);
    // Rank 4 and more of every layer.
    const exact = await relax({ model, tied, delta: 0.3, signal });
    expect(largestDifference(await logitsOf(exact, rows), dense)).toBeLessThan(1e-4);
  });
});

describe('recursive-lora', () => {
  const training = countingExamples();
  const budget = { steps: 60, learningRate: 5e-3 };
  async function train(model: ReturnType<typeof tinyGpt>, params: object) {
    const made = methodContext({
      method: recursiveLora,
      variant: '',
      params: { ...budget, ...params },
      model,
      training,
    });
    return { ...made, compressed: await recursiveLora.compress(model, made.context) };
  }

  it('trains the block, read as often as it is run, and the layers’ own parts', async () => {
    const model = tinyGpt({ layers: 4 });
    const { compressed, notes } = await train(model, { times: 2, delta: 0.25 });
    const { graph } = compressed.onnx;
    expect(notes).toEqual(['layers that share: 0 2, 1 3']);
    expect(graph.nodes.filter(({ inputs }) => inputs.includes('layers.1.k.weight'))).toHaveLength(2);
    expect(graph.initializers.has('layers.2.k.weight')).toBe(false);
    const tied = tie(model, 2);
    const { onnx, factors } = await relax({ model, tied, delta: 0.25, signal });
    expect(factors).toHaveLength(2 * model.linears.length);
    for (const name of [...factors, 'layers.0.down.weight']) {
      expect(largestDifference(initializer(compressed.onnx, name), initializer(onnx, name))).toBeGreaterThan(1e-4);
    }
    expect(await nextTokenLoss(compressed, training)).toBeLessThan(0.7 * (await nextTokenLoss({ onnx }, training)));
  });

  it('has no low-rank parts at 0', async () => {
    const { compressed } = await train(tinyGpt(), { times: 2, delta: 0, steps: 2 });
    expect([...compressed.onnx.graph.initializers.keys()].filter((name) => name.includes('delta'))).toEqual([]);
  });
});
