import { describe, expect, it } from 'vitest';
import { gradientGraph } from '../../../numerics/autodiff/gradient.ts';
import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { elements, type NumericTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { extendModel } from '../../../engine/training/graph-writer.ts';
import {
  hardConcrete,
  logisticNoise,
  maskOf,
  openProbability,
  openProbabilityOf,
} from '../../../engine/training/hard-concrete.ts';

const ALPHAS = [-6, -2, -0.5, 0, 0.7, 2, 6];
const COUNT = ALPHAS.length;

/** z, P(z > 0) and the gradient of Σ z, for noise. */
async function run(noise: Float32Array) {
  const b = createGraphBuilder({ name: 'masks', opset: 21 });
  b.initializer('alpha', tensorOf('float32', [COUNT], Float32Array.from(ALPHAS)));
  b.input('noise', 'float32', [COUNT]);
  b.output(b.identity('alpha', { name: 'kept' }), { dtype: 'float32', dims: [COUNT] });
  const w = extendModel(b.build(), 'hard/');
  const z = hardConcrete(w, 'alpha', 'noise');
  const open = openProbability(w, 'alpha');
  const loss = w.reduceSum(z, { keepdims: false });
  const { model, gradients } = gradientGraph({
    model: w.finish(),
    inputs: { noise: [COUNT] },
    loss,
    targets: ['alpha'],
    keep: [z, open],
  });
  const session = await createSession(model, { threads: 1 });
  const outputs = await session.run({ noise: tensorOf('float32', [COUNT], noise) });
  await session.release();
  const of = (name: string) => [...elements(outputs[name] as NumericTensor, 'float32')];
  return { z: of(z), open: of(open), gradient: of(gradients.get('alpha') as string) };
}

const zOf = (alpha: number, noise: number) =>
  Math.min(1, Math.max(0, 1.2 / (1 + Math.exp(-(noise + alpha) / (2 / 3))) - 0.1));

describe('hardConcrete', () => {
  it('follows the formula, and so does its gradient', async () => {
    const noise = Float32Array.of(1.5, -0.3, 0.4, 0.1, -1, 0.2, 0);
    const { z, open, gradient } = await run(noise);
    for (const [at, alpha] of ALPHAS.entries()) {
      const u = noise[at] as number;
      expect(z[at]).toBeCloseTo(zOf(alpha, u), 6);
      expect(gradient[at]).toBeCloseTo((zOf(alpha + 1e-4, u) - zOf(alpha - 1e-4, u)) / 2e-4, 4);
      expect(open[at]).toBeCloseTo(openProbabilityOf(alpha), 6);
    }
  });

  it('is above 0 with the stated probability, and its mask without noise is about its median', () => {
    const noise = logisticNoise({ 'noise/test': [20_000] });
    const drawn = elements(noise.at(3)['noise/test'] as NumericTensor, 'float32');
    for (const alpha of ALPHAS) {
      const values = drawn.map((u) => zOf(alpha, u));
      const share = values.filter((z) => z > 0).length / values.length;
      expect(Math.abs(share - openProbabilityOf(alpha))).toBeLessThan(0.01);
    }
    expect(maskOf(-6)).toBe(0);
    expect(maskOf(6)).toBe(1);
    expect(maskOf(0)).toBeCloseTo(0.5, 12);
  });
});

describe('logisticNoise', () => {
  it('depends on name and step only, and is logistic', () => {
    const noise = logisticNoise({ a: [500], b: [500] });
    const draw = (name: 'a' | 'b', step: number) => [...elements(noise.at(step)[name] as NumericTensor, 'float32')];
    expect(draw('a', 7)).toEqual(draw('a', 7));
    expect(draw('a', 7)).not.toEqual(draw('a', 8));
    expect(draw('a', 7)).not.toEqual(draw('b', 7));
    const all = Array.from({ length: 20 }, (_, step) => draw('a', step)).flat();
    const below = (x: number) => all.filter((value) => value < x).length / all.length;
    for (const x of [-3, -1, 0, 2]) expect(Math.abs(below(x) - 1 / (1 + Math.exp(-x)))).toBeLessThan(0.02);
  });
});
