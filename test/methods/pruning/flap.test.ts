import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import method, { standardized } from '../../../methods/pruning/flap.ts';
import { blockParameters } from '../../../methods/shared/surgery/units.ts';
import { withFloats } from '../../../methods/shared/surgery/structure.ts';
import { withGraph } from '../../../numerics/onnx/edit.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { methodContext } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

async function compress(model: Model, params: Record<string, unknown>) {
  const { context, notes } = methodContext({ method, variant: 'p75', model, params });
  return { pruned: (await method.compress(model, context)) as Model, notes };
}

describe('standardized', () => {
  it('agrees with torch.std, and is 0 where all values are equal', () => {
    expect([...standardized(Float64Array.of(1, 2, 3, 6))]).toEqual(
      [-2, -1, 0, 3].map((each) => each / Math.sqrt(14 / 3)),
    );
    expect([...standardized(Float64Array.of(4, 4))]).toEqual([0, 0]);
  });
});

describe('flap', () => {
  const models: readonly Model[] = [tinyLlama(), tinyGpt(), tinyBert()];

  it.each(models.map((model) => [model.id, model] as const))('keeps the share of parameters: %s', async (_, model) => {
    const { pruned, notes } = await compress(model, { keep: 0.6 });
    const share = blockParameters(pruned) / blockParameters(model);
    // The cheapest step is a neuron, the dearest a group of heads.
    expect(Math.abs(share - 0.6)).toBeLessThan(0.08);
    expect(notes).toEqual([expect.stringMatching(/^heads and neurons that stay, by layer: /)]);
  });

  it.each(models.map((model) => [model.id, model] as const))(
    'loses nothing where what goes is constant: %s',
    async (_, model) => {
      // Half of the neurons have weights of zero, so that they give what their bias makes of it, or nothing.
      const constant = model.roles.layers.reduce((current, { gate, up }) => {
        const zeroed = [gate, up].flatMap((linear) => (linear ? [linear] : []));
        return zeroed.reduce((inner, linear) => {
          const weight = inner
            .weight(linear)
            .map((value, at) => (at % linear.outFeatures < linear.outFeatures / 2 ? 0 : value));
          return inner.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], weight));
        }, current);
      }, model);
      const { pruned } = await compress(constant, { keep: 0.9 });
      const rows = [[3, 1, 4, 1, 5, 9, 2, 6]];
      const dense = await logitsOf(constant, rows);
      expect(largestDifference(await logitsOf(pruned, rows), dense)).toBeLessThan(1e-4);
      if (model.id === 'tiny-llama') return;
      const { pruned: plain } = await compress(constant, { keep: 0.9, compensation: false });
      expect(largestDifference(await logitsOf(plain, rows), dense)).toBeGreaterThan(1e-3);
    },
  );

  it('adds a bias to a projection without one, named in its role', async () => {
    const model = tinyLlama();
    const { pruned } = await compress(model, { keep: 0.5 });
    const rows = [[3, 1, 4, 1, 5]];
    const before = await logitsOf(pruned, rows);
    for (const { o, down } of pruned.roles.layers) {
      for (const { bias, outFeatures } of [o, down]) {
        const cleared = withFloats(pruned.onnx.graph, bias ?? '', [outFeatures], new Float32Array(outFeatures));
        const other = await logitsOf(pruned.withOnnx(withGraph(pruned.onnx, cleared)), rows);
        expect(largestDifference(other, before)).toBeGreaterThan(0);
      }
    }
  });
});
