import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { finishModel } from '../../../engine/model/finish-model.ts';
import rtn from '../../../methods/quantization/rtn.ts';
import { present } from '../../../contracts/present.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { methodContext } from '../../support/method-context.ts';
import { logitsOf } from '../../support/run-model.ts';
import { tinyGpt, tinyModels } from '../../support/tiny-model.ts';

const rows = [[3, 1, 4, 1, 5, 9, 2, 6]];

function finished(model: Model, params: Record<string, unknown> = {}) {
  const notes: string[] = [];
  return { notes, model: finishModel(model, { params, note: (text) => void notes.push(text) }) };
}

describe('finishModel', () => {
  it.each(tinyModels.map((model) => [model.id, model] as const))(
    'moves the logits of %s by rounding alone',
    async (_, model) => {
      const [dense, half] = [await logitsOf(model, rows), await logitsOf(finished(model).model, rows)];
      const largest = Math.max(...dense.map(Math.abs));
      expect(half).not.toEqual(dense);
      dense.forEach((value, at) => expect(Math.abs(present(half[at], 'logit') - value)).toBeLessThan(0.01 * largest));
    },
  );

  it('leaves codes and scales of quantized weights as they are', () => {
    const model = tinyGpt();
    const { context } = methodContext({ method: rtn, variant: 'w4g32', model });
    const quantized = rtn.compress(model, context) as Model;
    const { initializers } = finishModel(quantized, context).onnx.graph;
    const packed = [...quantized.onnx.graph.initializers].filter(([name]) => /\.(codes|scales)$/.test(name));
    expect(packed).toHaveLength(2 * model.linears.length);
    for (const [name, tensor] of packed) expect(initializers.get(name)).toBe(tensor);
    expect(initializers.has(`${model.roles.embedding.weight}.float16`)).toBe(true);
  });

  it('does not change the model where the variant asks for float32', () => {
    const model = tinyGpt();
    expect(finished(model, { floats: 'float32' }).model).toBe(model);
  });

  it('reports weights that float16 cannot hold', () => {
    const model = tinyGpt();
    const linear = present(model.linears[0], 'first linear layer');
    const large = model.weight(linear).fill(1e5);
    const changed = model.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], large));
    expect(finished(changed).notes.join()).toContain(linear.weight);
  });
});
