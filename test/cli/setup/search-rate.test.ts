import { describe, expect, it } from 'vitest';
import { NumericalError } from '../../../contracts/errors.ts';
import { present } from '../../../contracts/present.ts';
import { SEARCHED_RATES, searchTokens } from '../../../engine/training/searched-rates.ts';
import { searchRate } from '../../../cli/setup/search-rate.ts';
import type { Validation } from '../../../cli/setup/validation.ts';
import qat from '../../../methods/quantization/qat.ts';
import { tinyGpt } from '../../support/tiny-model.ts';

const model = tinyGpt();
const subject = { method: qat, variant: 'w2g32-t1m' };

/** A model whose validation loss at each rate is given; NaN stands for a training that diverges. */
function validation(lossAt: (rate: number) => number) {
  const asked: Record<string, unknown>[] = [];
  const fake: Validation = {
    model,
    task: 'none',
    compress(_method, params) {
      asked.push(params);
      const loss = lossAt(Number(params['learningRate']));
      if (Number.isNaN(loss)) return Promise.reject(new NumericalError('diverged'));
      return Promise.resolve({ compressed: { ...model, id: String(loss) }, seconds: 1, cpuSeconds: 1, tokens: 1000 });
    },
    evaluate: (compressed) =>
      Promise.resolve({ distance: { deltaLogPerplexity: { value: Number(compressed.id) } } } as Awaited<
        ReturnType<Validation['evaluate']>
      >),
  };
  return { fake, asked };
}

describe('searchRate', () => {
  it('tries every rate with a tenth of the budget, and keeps the best', async () => {
    const { fake, asked } = validation((rate) => Math.abs(Math.log(rate / 3e-4)));
    const found = await searchRate(fake, subject);
    expect(asked.map(({ learningRate }) => learningRate)).toEqual([...SEARCHED_RATES]);
    expect(asked.every(({ tokens }) => tokens === 100_000)).toBe(true);
    expect(found).toMatchObject({ revision: qat.revision, learningRate: 3e-4, tokens: 5000 });
    expect(Object.keys(found.losses)).toHaveLength(SEARCHED_RATES.length);
    expect(present(found.losses['3e-4'], 'loss')).toBeCloseTo(0, 12);
  });

  it('takes the lower of equal rates, and skips rates at which training diverges', async () => {
    const { fake } = validation((rate) => (rate < 1e-4 ? NaN : 0.5));
    const { learningRate, losses } = await searchRate(fake, subject);
    expect(learningRate).toBe(1e-4);
    expect(losses['3e-5']).toBeNull();
  });

  it('fails where all rates diverge', async () => {
    await expect(searchRate(validation(() => NaN).fake, subject)).rejects.toThrow(/diverges at every learning rate/);
  });

  it('uses at least the minimum of a search and at most the budget', () => {
    expect([20_000, 100_000, 1_000_000, 10_000_000].map(searchTokens)).toEqual([20_000, 50_000, 100_000, 1_000_000]);
  });
});
