import { describe, expect, it } from 'vitest';
import { thinSvd } from '../../../numerics/tensor/linear-algebra.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import svd from '../../../methods/low-rank/svd.ts';
import { rankFor, truncate } from '../../../methods/shared/solvers/low-rank.ts';
import { methodContext } from '../../support/method-context.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

const shape = { inFeatures: 24, outFeatures: 16 };
const random = createRandom('svd');
const weight = Float32Array.from({ length: 24 * 16 }, () => random.normal());

describe('truncate', () => {
  it('has a weight error of exactly the truncated singular values', async () => {
    const { s } = thinSvd(Float64Array.from(weight), 24, 16);
    for (const rank of [1, 5, 11, 16]) {
      const { down, up } = await truncate(weight, shape, rank);
      let error = 0;
      for (let i = 0; i < 24; i++) {
        for (let o = 0; o < 16; o++) {
          let value = 0;
          for (let r = 0; r < rank; r++) value += down[i * rank + r]! * up[r * 16 + o]!;
          error += (value - weight[i * 16 + o]!) ** 2;
        }
      }
      const cut = s.slice(rank).reduce((sum, value) => sum + value * value, 0);
      expect(error).toBeCloseTo(cut, 4);
    }
  });
});

describe('rankFor', () => {
  it('is the largest rank within the share', async () => {
    expect(rankFor({ inFeatures: 64, outFeatures: 64 }, 0.5)).toBe(16);
    expect(rankFor({ inFeatures: 64, outFeatures: 172 }, 0.5)).toBe(23);
    // 0.1 · 64 · 160 / 224 = 4.571…; 0.7 · 100 · 100 / 200 = 35 in exact arithmetic.
    expect(rankFor({ inFeatures: 100, outFeatures: 100 }, 0.7)).toBe(35);
  });

  it('is undefined where the factors would not be smaller', () => {
    expect(rankFor({ inFeatures: 64, outFeatures: 64 }, 1)).toBeUndefined();
    expect(rankFor({ inFeatures: 2, outFeatures: 2 }, 0.25)).toBeUndefined();
    expect(rankFor({ inFeatures: 1, outFeatures: 50 }, 0.9)).toBeUndefined();
  });
});

describe('svd', () => {
  it('replaces each layer by two smaller MatMuls, within the share', async () => {
    const model = tinyLlama();
    const compressed = await svd.compress(model, methodContext({ method: svd, variant: 'p50', model }).context);
    for (const { weight: name, inFeatures, outFeatures } of model.linears) {
      const { initializers } = compressed.onnx.graph;
      expect(initializers.has(name)).toBe(false);
      const [down, up] = [initializers.get(`${name}.down`), initializers.get(`${name}.up`)];
      expect(down?.dims[0]).toBe(inFeatures);
      expect(up?.dims[1]).toBe(outFeatures);
      expect(down?.dims[1]).toBe(up?.dims[0]);
      const share = ((down?.dims[1] ?? 0) * (inFeatures + outFeatures)) / (inFeatures * outFeatures);
      expect(share).toBeLessThanOrEqual(0.5);
      expect(share).toBeGreaterThan(0.4);
    }
  });

  it('leaves a layer dense, and notes which, where no rank makes it smaller', async () => {
    const model = tinyLlama();
    const method = { ...svd, variants: { all: { keep: 1 } } };
    const { context, notes } = methodContext({ method, variant: 'all', model });
    const compressed = await svd.compress(model, context);
    // At share 1 a square layer of width 32 would get rank 16, exactly its own size.
    const { q } = model.roles.layers[0]!;
    expect(compressed.weight(q)).toEqual(model.weight(q));
    expect(notes.join()).toContain('left dense');
    expect(notes.join()).toContain('layers.0.q');
  });
});
