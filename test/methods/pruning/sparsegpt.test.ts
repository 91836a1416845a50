import { describe, expect, it } from 'vitest';
import method from '../../../methods/pruning/sparsegpt.ts';
import { methodContext } from '../../support/method-context.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

function zeros(weight: ArrayLike<number>): number {
  return Array.from(weight).filter((value) => value === 0).length;
}

describe('sparsegpt', () => {
  const model = tinyLlama();

  it('prunes every linear layer and nothing else', async () => {
    const { context } = methodContext({ method, variant: 's50', model });
    const smaller = await method.compress(model, context);
    const weights = new Set(model.linears.map(({ weight }) => weight));
    for (const linear of model.linears) {
      const weight = smaller.weight(linear);
      // Exact zeros of the dense weights aside there are none to begin with.
      expect(zeros(weight) / weight.length).toBeCloseTo(0.5, 2);
    }
    for (const [name, tensor] of model.onnx.graph.initializers) {
      if (!weights.has(name)) expect(smaller.onnx.graph.initializers.get(name)).toBe(tensor);
    }
  });

  it('stops when aborted', async () => {
    const { context } = methodContext({ method, variant: 's50', model, signal: AbortSignal.abort(new Error('over')) });
    await expect(method.compress(model, context)).rejects.toThrow('over');
  });
});
