import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { elementCount, elements } from '../../../numerics/tensor/tensor.ts';
import type { HookView } from '../../../engine/training/train.ts';
import losparse, {
  keepColumns,
  pruneColumns,
  type Split,
  splitWeight,
  withColumns,
  withSplitWeights,
} from '../../../methods/low-rank/losparse.ts';
import svd from '../../../methods/low-rank/svd.ts';
import { factorNames } from '../../../methods/shared/solvers/low-rank.ts';
import { methodContext } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt, tinyLlama, tinyModels } from '../../support/tiny-model.ts';

const rows = [[1, 9, 17, 4, 33, 60]];
const splitAll = (model: Model, share: number) =>
  Promise.all(model.linears.map((linear) => splitWeight(model, linear, share)));
const without = ({ linear, factors, rest }: Split, gone: (column: number) => boolean): Split => ({
  linear,
  factors,
  rest: rest.map((value, at) => (gone(at % linear.outFeatures) ? 0 : value)),
});

describe.each(tinyModels.map((model) => [model.id, model] as const))('losparse on %s', (_, model) => {
  it('equals the model before any column is removed', async () => {
    const split = await splitAll(model, 0.2);
    const dense = await logitsOf(model, rows);
    const { onnx } = withSplitWeights(model, split);
    expect(largestDifference(await logitsOf({ onnx }, rows), dense)).toBeLessThan(1e-4);
    expect(largestDifference(await logitsOf(withColumns(model, split), rows), dense)).toBeLessThan(1e-4);
  });

  it('equals plain SVD where no column is kept', async () => {
    const split = (await splitAll(model, 0.5)).map((part) => without(part, () => true));
    const { context } = methodContext({ method: svd, variant: 'p50', model });
    const plain = await svd.compress(model, context);
    expect(
      largestDifference(await logitsOf(withColumns(model, split), rows), await logitsOf(plain, rows)),
    ).toBeLessThan(1e-5);
    expect(
      [...withColumns(model, split).onnx.graph.initializers.keys()].filter((name) => name.includes('columns')),
    ).toEqual([]);
  });

  it('computes the same with stored columns as with all, zeros included', async () => {
    const split = (await splitAll(model, 0.2)).map((part) => without(part, (column) => column % 3 !== 1));
    const { onnx } = withSplitWeights(model, split);
    const stored = withColumns(model, split);
    expect(largestDifference(await logitsOf(stored, rows), await logitsOf({ onnx }, rows))).toBeLessThan(1e-4);
    for (const { weight, inFeatures, outFeatures } of model.linears) {
      expect(stored.onnx.graph.initializers.get(`${weight}.columns`)?.dims).toEqual([
        inFeatures,
        Math.floor((outFeatures + 1) / 3),
      ]);
    }
  });
});

describe('keepColumns', () => {
  it('keeps the most important columns of all layers within the share of elements, and no removed ones', () => {
    const layers = [
      { inFeatures: 4, outFeatures: 3, importance: Float64Array.of(5, 1, 3), gone: Uint8Array.of(0, 0, 0) },
      { inFeatures: 2, outFeatures: 2, importance: Float64Array.of(9, 2), gone: Uint8Array.of(1, 0) },
    ];
    // 16 elements: column 0 of the first layer (4), 2 of the first (4), 1 of the second (2), 1 of the first (4).
    expect(keepColumns(layers, 0.25).map((kept) => [...kept])).toEqual([
      [1, 0, 0],
      [0, 0],
    ]);
    expect(keepColumns(layers, 0.63).map((kept) => [...kept])).toEqual([
      [1, 0, 1],
      [0, 1],
    ]);
    expect(keepColumns(layers, 1).map((kept) => [...kept])).toEqual([
      [1, 1, 1],
      [0, 1],
    ]);
    expect(keepColumns(layers, 0).map((kept) => [...kept])).toEqual([
      [0, 0, 0],
      [0, 0],
    ]);
  });
});

describe('pruneColumns', () => {
  it('removes more and more columns until the share is reached, then no more', () => {
    const { q } = tinyGpt().roles.layers[0] as ReturnType<typeof tinyGpt>['roles']['layers'][number];
    for (const steps of [4, 10, 100, 1000]) {
      const hook = pruneColumns({ linears: [q], share: 0.25, prunings: 20, steps });
      let weight = new Float32Array(32 * 32).fill(1);
      const sensitivity = Float32Array.from({ length: 32 * 32 }, (_, at) => at % 32);
      const counts: number[] = [];
      for (let step = 0; step < steps; step += hook.every) {
        const view = {
          step,
          parameters: new Map([[q.weight, weight]]),
          moments: () => new Map([[q.weight, sensitivity]]),
          setMask: (_: string, mask: Float32Array) =>
            void (weight = weight.map((value, at) => value * (mask[at] as number))),
        };
        void hook.run(view as unknown as HookView);
        counts.push(weight.reduce((sum, value) => sum + value, 0) / 32);
      }
      expect([...counts].sort((a, b) => b - a)).toEqual(counts);
      expect(counts[0]).toBe(32);
      expect(counts.at(-1)).toBe(8);
      expect(weight.lastIndexOf(0) % 32).toBe(23);
    }
  });
});

describe('losparse', () => {
  const training = countingExamples();
  it('trains both parts, keeps within the share, and loses less than one-shot pruning of its start', async () => {
    const model = tinyLlama();
    const params = { keep: 0.5, steps: 60, learningRate: 5e-3 };
    const made = methodContext({ method: losparse, variant: '', params, model, training });
    const compressed = await losparse.compress(model, made.context);
    const { initializers } = compressed.onnx.graph;
    const size = (name: string) => elementCount(initializers.get(name)?.dims ?? [0]);
    const whole = model.linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0);
    const taken = model.linears.reduce(
      (sum, linear) =>
        sum + [...factorNames(linear), `${linear.weight}.columns`].reduce((part, name) => part + size(name), 0),
      0,
    );
    expect(taken).toBeLessThanOrEqual(0.5 * whole);
    expect(taken).toBeGreaterThan(0.45 * whole);
    expect(made.spent.steps).toBe(60);
    const start = await splitAll(model, 0.125);
    const half = withColumns(
      model,
      start.map((part) => without(part, (column) => column % 8 > 2)),
    );
    expect(await nextTokenLoss(compressed, training)).toBeLessThan(0.8 * (await nextTokenLoss(half, training)));
    const [first] = model.linears;
    const up = factorNames(first as (typeof model.linears)[number])[1];
    expect(
      largestDifference(elements(initializers.get(up) as never, 'float32'), start[0]?.factors.up ?? []),
    ).toBeGreaterThan(1e-4);
  });
});
