import { describe, expect, it } from 'vitest';
import { elements, type Tensor } from '../../../numerics/tensor/tensor.ts';
import svdFinetune from '../../../methods/low-rank/svd-finetune.ts';
import svd from '../../../methods/low-rank/svd.ts';
import { factorNames } from '../../../methods/shared/solvers/low-rank.ts';
import { methodContext } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { largestDifference } from '../../support/run-model.ts';
import { tinyGpt } from '../../support/tiny-model.ts';

describe('svd-finetune', () => {
  it('trains the factors of plain SVD, keeps their shapes, and reduces the loss', async () => {
    const model = tinyGpt();
    const training = countingExamples();
    const tuned = methodContext({
      method: svdFinetune,
      variant: '',
      params: { keep: 0.5, steps: 60, learningRate: 5e-3 },
      model,
      training,
    });
    const cut = methodContext({ method: svd, variant: '', params: { keep: 0.5 }, model });
    const [trained, plain] = [await svdFinetune.compress(model, tuned.context), await svd.compress(model, cut.context)];
    expect(trained.onnx.graph.nodes).toEqual(plain.onnx.graph.nodes);
    for (const name of model.linears.flatMap(factorNames)) {
      const [after, before] = [trained, plain].map(({ onnx }) => onnx.graph.initializers.get(name) as Tensor);
      expect(after?.dims).toEqual(before?.dims);
      const values = [after, before].map((tensor) => elements(tensor as Tensor, 'float32'));
      expect(largestDifference(values[0] ?? [], values[1] ?? [])).toBeGreaterThan(1e-4);
    }
    expect(tuned.spent.steps).toBe(60);
    expect(await nextTokenLoss(trained, training)).toBeLessThan(0.7 * (await nextTokenLoss(plain, training)));
  });
});
