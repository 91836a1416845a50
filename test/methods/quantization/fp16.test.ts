import { expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { finishModel } from '../../../engine/model/finish-model.ts';
import fp16 from '../../../methods/quantization/fp16.ts';
import { methodContext } from '../../support/method-context.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

it('returns the dense model, whose weights are then stored in float16', () => {
  const model = tinyLlama({ tied: false });
  const { context } = methodContext({ method: fp16, variant: 'w16', model });
  const compressed = fp16.compress(model, context) as Model;
  expect(compressed).toBe(model);
  const { initializers } = finishModel(compressed, context).onnx.graph;
  const weights = [...model.linears, model.roles.head].map((linear) => linear?.weight ?? '');
  for (const name of [...weights, model.roles.embedding.weight]) {
    expect(initializers.get(`${name}.float16`)?.dtype).toBe('float16');
  }
});
