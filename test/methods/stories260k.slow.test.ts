/** What the methods do to a real model: orderings that must hold on stories260K, from the hub cache. */
import { beforeAll, describe, expect, it } from 'vitest';
import { secondMoments, type SecondMoment } from '../../engine/calibrate/second-moments.ts';
import type { ExampleSet, Method } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import { evaluatePerplexity } from '../support/evaluate-perplexity.ts';
import { drawExamples, encodeExamples } from '../../engine/model/draw-examples.ts';
import { loadModel, loadTokenizer } from '../../engine/model/load-model.ts';
import { createRandom } from '../../numerics/tensor/random.ts';
import tinystories from '../../datasets/tinystories.ts';
import { methods } from '../../methods/index.ts';
import { sparsegptLayer } from '../../methods/shared/solvers/sparsegpt-layer.ts';
import stories260k from '../../models/stories260k.ts';
import { effectiveWeight } from '../support/effective-weight.ts';
import { cachedHub, noHubCache } from '../support/hub-cache.ts';
import { relativeOutputError } from '../support/layer-error.ts';
import { methodContext } from '../support/method-context.ts';

/** A third of the calibration that runs use, and a dozen of the test stories: enough for orderings this wide. */
const CALIBRATION_TOKENS = 6_000;
const STORIES = 12;

describe.skipIf(noHubCache)(`on stories260K${noHubCache ? `: ${noHubCache}` : ''}`, () => {
  let model: Model;
  let calibration: ExampleSet;
  let test: ExampleSet;
  let moments: ReadonlyMap<string, SecondMoment>;
  let densePerplexity: number;
  const compressed = new Map<string, Promise<Model>>();
  const perplexities = new Map<string, Promise<number>>();

  beforeAll(async () => {
    const hub = cachedHub();
    model = await loadModel(stories260k, hub);
    const tokenizer = await loadTokenizer(stories260k, hub);
    const splits = await tinystories.load(hub);
    const encoding = { tokenizer, contextLength: model.contextLength, kind: model.kind, dataset: tinystories.id };
    calibration = drawExamples({
      ...encoding,
      rows: splits.calibration,
      tokenBudget: CALIBRATION_TOKENS,
      random: createRandom('stories260k'),
    });
    test = encodeExamples({ ...encoding, rows: splits.test.slice(0, STORIES) });
    moments = await secondMoments({ model, examples: calibration.examples });
    densePerplexity = await score(model);
  });

  async function score(candidate: Model): Promise<number> {
    const { quality } = await evaluatePerplexity({
      dense: model.onnx,
      candidate: candidate.onnx,
      examples: test.examples,
      ids: test.examples.map((_, index) => `story-${index}`),
    });
    return quality.estimate.value;
  }
  function find(id: string): Method {
    const method = methods.find((known) => known.id === id);
    if (method === undefined) throw new Error(`no method ${id}`);
    return method;
  }
  function compress(id: string, variant: string): Promise<Model> {
    const key = `${id}/${variant}`;
    const method = find(id);
    const promise =
      compressed.get(key) ??
      Promise.resolve(method.compress(model, methodContext({ method, variant, model, calibration }).context));
    compressed.set(key, promise);
    return promise;
  }
  function perplexity(id: string, variant: string): Promise<number> {
    const key = `${id}/${variant}`;
    const promise = perplexities.get(key) ?? compress(id, variant).then(score);
    perplexities.set(key, promise);
    return promise;
  }
  /** Output error of each layer on the calibration inputs of the dense model, by role. */
  async function layerErrors(id: string, variant: string): Promise<ReadonlyMap<string, number>> {
    const changed = await compress(id, variant);
    return new Map(model.linears.map((linear) => [linear.role, layerError(linear, effectiveWeight(changed, linear))]));
  }
  function layerError(linear: LinearRole, changed: Float32Array): number {
    const { inFeatures, outFeatures } = linear;
    const { sum: secondMoment } = moments.get(linear.role) as SecondMoment;
    return relativeOutputError({ dense: model.weight(linear), changed, secondMoment, inFeatures, outFeatures });
  }

  it.each([
    ['rtn', ['w8g32', 'w4g32', 'w2g32']],
    ['magnitude', ['s10', 's50', 's90']],
    ['magnitude', ['s50', '4-of-8', '2-of-4']],
    ['random-mask', ['s10', 's50', 's90']],
    ['gptq', ['w8g32', 'w4g32', 'w2g32']],
    ['wanda', ['s30', 's50', 's80']],
    ['wanda', ['s50', '4-of-8', '2-of-4']],
    ['sparsegpt', ['s30', 's50', 's80']],
    ['sparsegpt', ['s50', '4-of-8', '2-of-4']],
    ['svd', ['p90', 'p50', 'p25']],
    ['svd-whitened', ['p90', 'p50', 'p25']],
  ] as const)('%s loses more the more it compresses: %s', async (id, variants) => {
    // Eight bits may come out ahead of dense by chance, never by much.
    let last = densePerplexity * 0.999;
    for (const variant of variants) {
      const next = await perplexity(id, variant);
      expect(next, variant).toBeGreaterThan(last);
      last = next;
    }
  });

  it.each(['w8g32', 'w8g32-e8'])('8-bit rtn/%s is within half a percent of dense', async (variant) => {
    expect(Math.abs((await perplexity('rtn', variant)) / densePerplexity - 1)).toBeLessThan(0.005);
  });

  it.each(['channel-e8', 'tensor'])('int8-dynamic/%s is within two percent of dense', async (variant) => {
    expect(Math.abs((await perplexity('int8-dynamic', variant)) / densePerplexity - 1)).toBeLessThan(0.02);
  });

  it.each(['p90', 'p50', 'p25'])(
    'whitened SVD misses no layer output more than plain SVD does: %s',
    async (variant) => {
      const plain = await layerErrors('svd', variant);
      for (const [role, error] of await layerErrors('svd-whitened', variant)) {
        expect(error, role).toBeLessThanOrEqual(plain.get(role) as number);
      }
      expect(await perplexity('svd-whitened', variant)).toBeLessThan(await perplexity('svd', variant));
    },
  );

  it.each(['s10', 's50', 's90'])('magnitude/%s beats a random mask', async (variant) => {
    expect(await perplexity('magnitude', variant)).toBeLessThan(await perplexity('random-mask', variant));
  });

  it.each(['w8g32', 'w4g32', 'w2g32', 'w2g16-asym'])(
    'gptq misses no layer output more than rtn on the same grid: %s',
    async (variant) => {
      const rounded = await layerErrors('rtn', variant);
      for (const [role, error] of await layerErrors('gptq', variant)) {
        expect(error, role).toBeLessThanOrEqual(rounded.get(role) as number);
      }
      // At 8 bits both are within the rounding of the activations: 4.510 and 4.503.
      if (variant === 'w8g32') return;
      expect(await perplexity('gptq', variant)).toBeLessThan(await perplexity('rtn', variant));
    },
  );

  // On the inputs it was corrected for: in the whole method those come out of blocks already pruned, and differ at 70 % and more.
  it.each([0.5, 0.8, '2:4'] as const)(
    'sparsegpt misses no layer output more than its mask alone: %s',
    async (sparsity) => {
      for (const linear of model.linears) {
        const { role: where, inFeatures, outFeatures } = linear;
        const weight = model.weight(linear);
        const { sum: moment } = moments.get(where) as SecondMoment;
        const settings = { sparsity, damping: 0.01, blockSize: 128 };
        const corrected = await sparsegptLayer({ weight, moment, inFeatures, outFeatures, where, ...settings });
        const masked = weight.map((value, at) => (corrected[at] === 0 ? 0 : value));
        expect(layerError(linear, corrected), where).toBeLessThanOrEqual(layerError(linear, masked));
      }
    },
  );

  // Not at s80, where nothing of the model is left: perplexities of 700 to 1,000.
  it.each(['s50', '2-of-4', '4-of-8'])(
    'knowing the inputs helps: wanda and sparsegpt beat magnitude at %s',
    async (variant) => {
      const bySize = await perplexity('magnitude', variant);
      expect(await perplexity('wanda', variant)).toBeLessThan(bySize);
      expect(await perplexity('sparsegpt', variant)).toBeLessThan(bySize);
    },
  );

  it.each(['2-of-4', '4-of-8'])('correction helps where the pattern leaves little choice: %s', async (variant) => {
    expect(await perplexity('sparsegpt', variant)).toBeLessThan(await perplexity('wanda', variant));
  });
});
