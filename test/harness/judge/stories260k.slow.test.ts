import { describe, expect, it } from 'vitest';
import tinystories from '../../../datasets/tinystories.ts';
import { firstStories } from '../../support/first-stories.ts';
import { evaluatePerplexity } from '../../support/evaluate-perplexity.ts';
import { loadModel, loadTokenizer } from '../../../engine/model/load-model.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import stories260k from '../../../models/stories260k.ts';
import { cachedHub, noHubCache } from '../../support/hub-cache.ts';

describe('evaluatePerplexity on stories260K', () => {
  it.skipIf(noHubCache)('gives the published loss for dense and detects noise of 1e-5 in the weights', async () => {
    const hub = cachedHub();
    const model = await loadModel(stories260k, hub);
    const tokenizer = await loadTokenizer(stories260k, hub);
    const rows = firstStories(await tinystories.load(hub));
    const examples = rows.map(({ text }) => ({
      tokens: Int32Array.of(tokenizer.beginOfSequence ?? 0, ...tokenizer.encode(text)).slice(0, 512),
    }));
    const random = createRandom('slight');
    const candidate = model.linears.reduce(
      (changed, linear) =>
        changed.withWeight(
          linear,
          tensorOf(
            'float32',
            [linear.inFeatures, linear.outFeatures],
            model.weight(linear).map((w) => w + 1e-5 * random.normal()),
          ),
        ),
      model,
    ).onnx;
    const ids = rows.map(({ id }) => id);
    const { quality, distance } = await evaluatePerplexity({ dense: model.onnx, candidate, examples, ids });
    expect(quality.tokens).toBe(20_424);
    expect(Math.abs(Math.log(quality.dense) - 1.2958)).toBeLessThan(5e-4);
    expect(Math.abs(distance.deltaLogPerplexity.value)).toBeLessThan(1e-4);
    // Noise of 0.002 gives 4e-3; the divergence falls with its square, to 1e-7.
    expect(distance.klDivergence.value).toBeGreaterThan(3e-8);
    expect(distance.klDivergence.value).toBeLessThan(3e-7);
    expect(distance.sameTop.value).toBeGreaterThan(0.999);
  });
});
