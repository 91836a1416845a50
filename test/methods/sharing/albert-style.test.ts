import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../contracts/errors.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import albertStyle from '../../../methods/sharing/albert-style.ts';
import { neighbouringLayers, tiedLinears, withTiedWeights } from '../../../methods/shared/surgery/tied-weights.ts';
import { methodContext } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { tinyGpt } from '../../support/tiny-model.ts';

const budget = { steps: 60, learningRate: 5e-3 };
const training = countingExamples();

async function train(model: ReturnType<typeof tinyGpt>, params: object) {
  const made = methodContext({ method: albertStyle, variant: '', params: { ...budget, ...params }, model, training });
  return { ...made, compressed: await albertStyle.compress(model, made.context) };
}

describe('albert-style', () => {
  it('trains one set of weights for all layers, which stays shared', async () => {
    const model = tinyGpt({ layers: 4 });
    const { compressed, notes, spent } = await train(model, { share: 'all' });
    const tied = withTiedWeights(model, tiedLinears(model, neighbouringLayers(4, 1), 'all'), 'first');
    expect(compressed.onnx.graph.nodes).toEqual(tied.onnx.graph.nodes);
    expect([...compressed.onnx.graph.initializers.keys()]).toEqual([...tied.onnx.graph.initializers.keys()]);
    const readers = compressed.onnx.graph.nodes.filter(({ inputs }) => inputs.includes('layers.0.up.weight'));
    expect(readers).toHaveLength(4);
    expect(await nextTokenLoss(compressed, training)).toBeLessThan(0.7 * (await nextTokenLoss(tied, training)));
    expect(notes).toEqual(['layers that share: 0 1 2 3']);
    expect(spent.steps).toBe(60);
    // Three of four layers are gone from the file, up to their norms and biases and the structure of the graph.
    const linears = model.linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0);
    const saved = writeModel(model.onnx).byteLength - writeModel(compressed.onnx).byteLength;
    expect(saved).toBeGreaterThan(4 * 0.75 * linears);
  });

  it('shares only attention or only the feed-forward network', async () => {
    const model = tinyGpt({ layers: 3 });
    for (const [share, kind, other] of [
      ['attention', 'q', 'up'],
      ['feed-forward', 'up', 'q'],
    ] as const) {
      const { compressed } = await train(model, { share, steps: 2 });
      const { initializers } = compressed.onnx.graph;
      expect([0, 1, 2].filter((layer) => initializers.has(`layers.${layer}.${kind}.weight`))).toEqual([0]);
      expect([0, 1, 2].filter((layer) => initializers.has(`layers.${layer}.${other}.weight`))).toEqual([0, 1, 2]);
    }
  });

  it('refuses as many sets as there are layers', async () => {
    await expect(train(tinyGpt(), { share: 'all', distinct: 2 })).rejects.toThrow(UnsupportedError);
  });
});
