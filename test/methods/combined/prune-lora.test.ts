import { describe, expect, it } from 'vitest';
import pruneLora from '../../../methods/combined/prune-lora.ts';
import sparsegpt from '../../../methods/pruning/sparsegpt.ts';
import { methodContext } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { tinyGpt, tinyModels } from '../../support/tiny-model.ts';

const training = countingExamples();
const calibration = countingExamples({ length: 32 });
const zeros = (weight: ArrayLike<number>): number[] => Array.from(weight, (value) => (value === 0 ? 1 : 0));

describe('prune-lora', () => {
  it.each([0.7, '2:4'] as const)('recovers from pruning and keeps the zeros: sparsity %s', async (sparsity) => {
    const model = tinyGpt();
    const tuned = { sparsity, rank: 8, steps: 60, learningRate: 1e-2 };
    const { context, spent } = methodContext({
      method: pruneLora,
      variant: '',
      params: tuned,
      model,
      training,
      calibration,
    });
    const recovered = await pruneLora.compress(model, context);
    expect(spent.steps).toBe(60);
    const once = methodContext({ method: sparsegpt, variant: '', params: { sparsity }, model, calibration });
    const pruned = await sparsegpt.compress(model, once.context);
    expect(await nextTokenLoss(recovered, training)).toBeLessThan(0.8 * (await nextTokenLoss(pruned, training)));
    for (const linear of model.linears) {
      expect(zeros(recovered.weight(linear))).toEqual(zeros(pruned.weight(linear)));
      expect(recovered.weight(linear)).not.toEqual(pruned.weight(linear));
    }
    // Nothing is left of the adapters, and what was frozen is as it was.
    expect(recovered.onnx.graph.nodes).toEqual(model.onnx.graph.nodes);
    const weights = new Set(model.linears.map(({ weight }) => weight));
    for (const [name, tensor] of model.onnx.graph.initializers) {
      if (!weights.has(name)) expect(recovered.onnx.graph.initializers.get(name)).toBe(tensor);
    }
  });

  it.each(tinyModels.map((model) => [model.id, model] as const))(
    'keeps the share of zeros it says: %s',
    async (_, model) => {
      const params = { sparsity: 0.5, rank: 2, steps: 2 };
      const recovered = await pruneLora.compress(
        model,
        methodContext({ method: pruneLora, variant: '', params, model }).context,
      );
      for (const linear of model.linears) {
        const weight = recovered.weight(linear);
        expect(zeros(weight).reduce((sum, zero) => sum + zero, 0) / weight.length).toBeCloseTo(0.5, 2);
      }
    },
  );
});
