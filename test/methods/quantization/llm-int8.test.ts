import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import int8Dynamic from '../../../methods/quantization/int8-dynamic.ts';
import method from '../../../methods/quantization/llm-int8.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { methodContext } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

const rows = [[3, 10, 17, 24, 31, 38]];

async function compress(model: Model, params: Record<string, unknown>) {
  const { context, notes } = methodContext({ method, variant: 't6', model, params });
  return { logits: await logitsOf((await method.compress(model, context)) as Model, rows), notes };
}

describe('llm-int8', () => {
  const models: readonly Model[] = [tinyLlama(), tinyGpt(), tinyBert()];

  it.each(models.map((model) => [model.id, model] as const))(
    'is int8-dynamic without outliers: %s',
    async (_, model) => {
      const { context } = methodContext({ method: int8Dynamic, variant: 'channel', model });
      const plain = await logitsOf((await int8Dynamic.compress(model, context)) as Model, rows);
      expect(largestDifference((await compress(model, { threshold: 1e30 })).logits, plain)).toBe(0);
    },
  );

  it.each(models.map((model) => [model.id, model] as const))(
    'is dense where all inputs are outliers: %s',
    async (_, model) => {
      const { logits, notes } = await compress(model, { threshold: 1e-30 });
      expect(largestDifference(logits, await logitsOf(model, rows))).toBeLessThan(1e-4);
      const [note = ''] = notes;
      const [kept, all] = note.match(/\d+/g) ?? [];
      expect(kept).toBe(all);
    },
  );

  it('is nearer to dense than int8-dynamic where one input is large', async () => {
    const plain = tinyGpt();
    // One neuron gives a hundred times as much, and what reads it takes a hundredth.
    const { up, down } = plain.roles.layers[0]!;
    const scaled = (linear: typeof up, factor: number, isOne: (at: number) => boolean) => (model: Model) =>
      model.withWeight(
        linear,
        tensorOf(
          'float32',
          [linear.inFeatures, linear.outFeatures],
          model.weight(linear).map((value, at) => (isOne(at) ? value * factor : value)),
        ),
      );
    const model = scaled(
      down,
      0.01,
      (at) => at < down.outFeatures,
    )(scaled(up, 100, (at) => at % up.outFeatures === 0)(plain));
    const dense = await logitsOf(model, rows);
    const split = largestDifference((await compress(model, { threshold: 20 })).logits, dense);
    const whole = largestDifference((await compress(model, { threshold: 1e30 })).logits, dense);
    expect(split).toBeLessThan(0.5 * whole);
  });
});
