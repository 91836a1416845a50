import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import linearAttention, { featureMaps } from '../../../methods/architecture/linear-attention.ts';
import { withLinearAttention } from '../../../methods/shared/surgery/linear-attention-graph.ts';
import { methodContext } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

describe('featureMaps', () => {
  it.each([tinyGpt(), tinyBert(), tinyLlama()].map((model) => [model.id, model] as const))(
    'are orthonormal and hold more of queries and keys than other directions: %s',
    (_, model) => {
      const { features, maps, pairs } = featureMaps(model, 0.5);
      expect(features).toBe(4);
      expect(pairs?.length).toBe(model.architecture === 'llama' ? 2 : undefined);
      expect(maps.map((groups) => groups.length)).toEqual([model.roles.keyValueHeads, model.roles.keyValueHeads]);
      const random = createRandom('maps');
      const { k } = model.roles.layers[0] as (typeof model.roles.layers)[number];
      const weight = model.weight(k);
      /** Energy of the first head's keys along the columns of a matrix [8, 4]. */
      const energy = (matrix: ArrayLike<number>) => {
        let sum = 0;
        for (let row = 0; row < 32; row++)
          for (let feature = 0; feature < 4; feature++) {
            let value = 0;
            for (let at = 0; at < 8; at++)
              value += (weight[row * k.outFeatures + at] as number) * (matrix[at * 4 + feature] as number);
            sum += value ** 2;
          }
        return sum;
      };
      const [first] = maps[0] as readonly [Float64Array];
      for (let a = 0; a < 4; a++)
        for (let b = 0; b < 4; b++) {
          let sum = 0;
          for (let at = 0; at < 8; at++) sum += (first[at * 4 + a] as number) * (first[at * 4 + b] as number);
          expect(sum).toBeCloseTo(a === b ? 1 : 0, 10);
        }
      if (pairs !== undefined) return;
      const others = Array.from({ length: 30 }, () => {
        // Four random coordinates.
        const chosen = random.shuffle([0, 1, 2, 3, 4, 5, 6, 7]).slice(0, 4);
        return energy(Array.from({ length: 32 }, (_, at) => (chosen[at % 4] === Math.floor(at / 4) ? 1 : 0)));
      });
      const mean = others.reduce((sum, value) => sum + value, 0) / others.length;
      expect(energy(first)).toBeGreaterThan(mean);
    },
  );

  it('selects the largest pairs where positions are rotary', () => {
    let model = tinyLlama();
    for (const { q, k } of model.roles.layers) {
      for (const linear of [q, k]) {
        const { inFeatures, outFeatures } = linear;
        const weight = model.weight(linear).map((value, at) => ([2, 3, 6, 7].includes(at % 8) ? 3 * value : value));
        model = model.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], weight));
      }
    }
    expect(featureMaps(model, 0.5).pairs).toEqual([1, 3]);
    expect(featureMaps(model, 0.01).features).toBe(2);
  });
});

describe('linear-attention', () => {
  const training = countingExamples();
  it.each(['products', 'sums'])('recovers by training the loss of the swap: %s', async (form) => {
    const model = tinyGpt();
    const params = { features: 0.5, form, steps: 60, learningRate: 5e-3 };
    const { context, notes, spent } = methodContext({ method: linearAttention, variant: '', params, model, training });
    const trained = await linearAttention.compress(model, context);
    expect(notes).toEqual(['features per head: 4 of 8']);
    expect(spent.steps).toBe(60);
    const swapped = withLinearAttention(model, { ...featureMaps(model, 0.5), form: 'products' });
    expect(await nextTokenLoss(trained, training)).toBeLessThan(0.7 * (await nextTokenLoss(swapped, training)));
  });

  it('is the same function in both forms', async () => {
    const model = tinyLlama();
    const logits = async (form: string) => {
      const params = { features: 0.5, form, steps: 4 };
      const { context } = methodContext({ method: linearAttention, variant: '', params, model, training });
      return logitsOf(await linearAttention.compress(model, context), [[1, 9, 17, 4]]);
    };
    expect(largestDifference(await logits('products'), await logits('sums'))).toBeLessThan(1e-4);
  });
});
