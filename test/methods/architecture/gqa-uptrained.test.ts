import { describe, expect, it } from 'vitest';
import headMerge from '../../../methods/architecture/head-merge.ts';
import gqaUptrained from '../../../methods/architecture/gqa-uptrained.ts';
import { methodContext } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { tinyGpt } from '../../support/tiny-model.ts';

describe('gqa-uptrained', () => {
  it('trains the result of head-merge to a lower loss', async () => {
    const model = tinyGpt();
    const training = countingExamples();
    const params = { merged: 'all', steps: 40, learningRate: 5e-3 };
    const { context, spent } = methodContext({ method: gqaUptrained, variant: '', params, model, training });
    const uptrained = await gqaUptrained.compress(model, context);
    expect(spent.steps).toBe(40);
    const merged = await headMerge.compress(model, methodContext({ method: headMerge, variant: 'all', model }).context);
    expect(uptrained.onnx.graph.nodes.map(({ op }) => op)).toEqual(merged.onnx.graph.nodes.map(({ op }) => op));
    for (const [at, { k }] of uptrained.roles.layers.entries()) {
      expect(k.outFeatures).toBe(8);
      expect(uptrained.weight(k)).not.toEqual(merged.weight(merged.roles.layers[at]?.k as never));
    }
    expect(await nextTokenLoss(uptrained, training)).toBeLessThan(0.7 * (await nextTokenLoss(merged, training)));
  });
});
