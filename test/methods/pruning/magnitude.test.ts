import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import magnitude from '../../../methods/pruning/magnitude.ts';
import randomMask from '../../../methods/pruning/random-mask.ts';
import { methodContext } from '../../support/method-context.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

const plain = tinyLlama();
// One layer ten times as large: a global threshold must spare it.
const largeLayer = plain.linears[0]!;
const model = plain.withWeight(
  largeLayer,
  tensorOf(
    'float32',
    [largeLayer.inFeatures, largeLayer.outFeatures],
    plain.weight(largeLayer).map((value) => 10 * value),
  ),
);

function compress(method: typeof magnitude, params: Record<string, unknown>): Model {
  const { context } = methodContext({ method: { ...method, variants: { case: params } }, variant: 'case', model });
  return method.compress(model, context) as Model;
}
const zeroShare = (weight: Float32Array) => weight.filter((value) => value === 0).length / weight.length;

describe('magnitude', () => {
  it('sets the same share of every layer to zero, and changes no kept weight', () => {
    const pruned = compress(magnitude, { sparsity: 0.7 });
    for (const linear of model.linears) {
      const dense = model.weight(linear);
      const weight = pruned.weight(linear);
      expect(zeroShare(weight)).toBeCloseTo(0.7, 2);
      const kept = dense.filter((_, at) => weight[at] !== 0).map(Math.abs);
      const gone = dense.filter((_, at) => weight[at] === 0).map(Math.abs);
      expect(Math.min(...kept)).toBeGreaterThanOrEqual(Math.max(...gone));
      weight.forEach((value, at) => expect(value === 0 || value === dense[at]).toBe(true));
    }
  });

  it('keeps more of a layer with large weights when it compares over the network', () => {
    const pruned = compress(magnitude, { sparsity: 0.5, scope: 'global' });
    const weights = pruned.linears.map((linear) => pruned.weight(linear));
    const all = weights.reduce((sum, weight) => sum + weight.length, 0);
    const zero = weights.reduce((sum, weight) => sum + zeroShare(weight) * weight.length, 0);
    expect(zero / all).toBeCloseTo(0.5, 3);
    expect(zeroShare(pruned.weight(largeLayer))).toBeLessThan(0.1);
  });

  it('refuses a pattern over the network', () => {
    expect(() => compress(magnitude, { sparsity: '2:4', scope: 'global' })).toThrow(InputError);
  });

  it('changes only the linear layers of the blocks', () => {
    const pruned = compress(magnitude, { sparsity: 0.9 });
    const linear = new Set(model.linears.map(({ weight }) => weight));
    for (const [name, tensor] of model.onnx.graph.initializers) {
      if (!linear.has(name)) expect(pruned.onnx.graph.initializers.get(name)).toBe(tensor);
    }
    expect(pruned.onnx.graph.nodes).toEqual(model.onnx.graph.nodes);
  });
});

describe('random-mask', () => {
  it('sets the same share to zero as magnitude, but other weights', () => {
    const random = compress(randomMask, { sparsity: 0.5 });
    const pruned = compress(magnitude, { sparsity: 0.5 });
    for (const linear of model.linears) {
      const weight = random.weight(linear);
      expect(zeroShare(weight)).toBeCloseTo(0.5, 2);
      const kept = pruned.weight(linear);
      const both = weight.filter((value, at) => value === 0 && kept[at] === 0).length / weight.length;
      expect(both).toBeGreaterThan(0.15);
      expect(both).toBeLessThan(0.35);
    }
  });
});
