import { describe, expect, it } from 'vitest';
import { embeddingWeights } from '../../../harness/measure/embedding-weights.ts';
import { elementCount, elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import tensorTrainMethod from '../../../methods/low-rank/tensor-train.ts';
import { foldingOf, rankBoundFor, tensorTrain } from '../../../methods/shared/solvers/tensor-train.ts';
import { methodContext } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt, tinyLlama, tinyModels } from '../../support/tiny-model.ts';

const rows = [
  [1, 9, 17, 4, 33, 60],
  [63, 0, 2, 2, 51, 8],
];

async function compress(model: ReturnType<typeof tinyGpt>, params: object) {
  const made = methodContext({
    method: tensorTrainMethod,
    variant: '',
    params: params as Record<string, unknown>,
    model,
  });
  return { ...made, compressed: await tensorTrainMethod.compress(model, made.context) };
}

describe.each(tinyModels.map((model) => [model.id, model] as const))('tensor-train on %s', (_, model) => {
  it('computes the same with cores applied to tokens or multiplied out', async () => {
    for (const cores of [2, 3]) {
      const passing = await compress(model, { keep: 0.5, cores });
      const ready = await compress(model, { keep: 0.5, cores, multiply: 'weights' });
      const difference = largestDifference(
        await logitsOf(passing.compressed, rows),
        await logitsOf(ready.compressed, rows),
      );
      expect(difference).toBeLessThan(1e-4);
    }
  });

  it('keeps to the share for embedding and feed-forward separately', async () => {
    const { compressed, notes } = await compress(model, { keep: 0.5 });
    expect(notes).toEqual([]);
    const before = model.onnx.graph.initializers;
    const after = compressed.onnx.graph.initializers;
    const feedForward = model.roles.layers.flatMap(({ gate, up, down }) => (gate ? [gate, up, down] : [up, down]));
    for (const name of [model.roles.embedding.weight, ...feedForward.map(({ weight }) => weight)]) {
      expect(after.has(name)).toBe(false);
      const taken = [0, 1].reduce(
        (sum, k) => sum + elementCount(after.get(`${name}.core.${k}`)?.dims ?? [Infinity]),
        0,
      );
      const share = taken / elementCount(before.get(name)?.dims ?? []);
      expect(share).toBeLessThanOrEqual(0.5);
      expect(share).toBeGreaterThan(0.35);
    }
    for (const { q } of model.roles.layers) expect(compressed.weight(q)).toEqual(model.weight(q));
  });
});

describe('tensor-train', () => {
  it('of the feed-forward layers equals the model with their nearest tensor trains as weights', async () => {
    const model = tinyLlama();
    const { compressed } = await compress(model, { keep: 0.4, scope: 'feed-forward' });
    let expected = model;
    for (const { gate, up, down } of model.roles.layers) {
      for (const linear of [gate, up, down]) {
        if (linear === undefined) continue;
        const { inFeatures, outFeatures } = linear;
        const folding = foldingOf(inFeatures, outFeatures, 2);
        const bound = rankBoundFor(folding, 0.4) as number;
        const { cores } = await tensorTrain(model.weight(linear), folding, bound);
        const [first, second] = cores as [Float32Array, Float32Array];
        const [, m2 = 0] = folding.rowDigits;
        const [n1 = 0, n2 = 0] = folding.columnDigits;
        const matrix = Float32Array.from({ length: inFeatures * outFeatures }, (_, at) => {
          const [i, j] = [Math.floor(at / outFeatures), at % outFeatures];
          const left = (Math.floor(i / m2) * n1 + Math.floor(j / n2)) * bound;
          let sum = 0;
          for (let r = 0; r < bound; r++) {
            sum += (first[left + r] as number) * (second[(r * m2 + (i % m2)) * n2 + (j % n2)] as number);
          }
          return sum;
        });
        expected = expected.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], matrix));
      }
    }
    expect(largestDifference(await logitsOf(compressed, rows), await logitsOf(expected, rows))).toBeLessThan(1e-4);
  });

  it('stores the embedding once, for look-up and tied logits, and reports its size', async () => {
    for (const multiply of ['input', 'weights'] as const) {
      const { compressed } = await compress(tinyGpt(), { keep: 0.5, scope: 'embedding', multiply });
      const { graph } = compressed.onnx;
      const cores = [...graph.initializers.keys()].filter((name) => name.includes('.core.'));
      expect(cores).toEqual(['embedding.weight.core.0', 'embedding.weight.core.1']);
      const found = embeddingWeights(graph, { tied: true });
      const floats = [...found].filter((name) => graph.initializers.get(name)?.dtype === 'float32');
      expect(floats.sort()).toEqual(cores);
    }
  });

  it('does not change a separate output layer', async () => {
    const model = tinyLlama({ tied: false });
    const { compressed } = await compress(model, { keep: 0.5 });
    const head = (of: typeof model) => elements(of.onnx.graph.initializers.get('head.weight') as never, 'float32');
    expect(head(compressed)).toEqual(head(model));
  });
});
