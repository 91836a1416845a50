import { describe, expect, it } from 'vitest';
import { type CalibrationLossOptions, createCalibrationLoss } from '../../../engine/calibrate/calibration-loss.ts';
import { UnsupportedError } from '../../../contracts/errors.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { randomExamples } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { logitsOf } from '../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

async function calibrationLoss(options: CalibrationLossOptions, weight?: Float32Array): Promise<number> {
  const loss = await createCalibrationLoss(options);
  try {
    return await loss.measure(weight);
  } finally {
    await loss.release();
  }
}

describe('createCalibrationLoss', () => {
  it.each([tinyGpt(), tinyLlama()].map((model) => [model.id, model] as const))(
    'is the loss of the next token of %s',
    async (_, model) => {
      const set = countingExamples({ count: 5, length: 20 });
      const loss = await calibrationLoss({ model, examples: set.examples });
      expect(loss).toBeCloseTo(await nextTokenLoss(model, set), 5);
    },
  );

  it('weights every token equally, in long examples and in short ones', async () => {
    const model = tinyGpt();
    const { examples } = randomExamples(model, 'uneven', { count: 2, length: 20 });
    const short = { tokens: (examples[1] as (typeof examples)[number]).tokens.subarray(0, 5) };
    const [long, few, both] = await Promise.all(
      [[examples[0]], [short], [examples[0], short]].map((some) =>
        calibrationLoss({ model, examples: some as typeof examples }),
      ),
    );
    expect(both).toBeCloseTo((19 * (long as number) + 4 * (few as number)) / 23, 5);
  });

  it('tries other values of one weight', async () => {
    const model = tinyGpt();
    const { examples } = randomExamples(model, 'tried', { count: 3 });
    const { k: tried } = model.roles.layers[1] as (typeof model.roles.layers)[number];
    const halved = model.weight(tried).map((value) => value / 2);
    const changed = model.withWeight(tried, tensorOf('float32', [tried.inFeatures, tried.outFeatures], halved));
    const loss = await createCalibrationLoss({ model, examples, tried });
    expect(await loss.measure(halved)).toBeCloseTo(await calibrationLoss({ model: changed, examples }), 6);
    expect(await loss.measure()).toBeCloseTo(await calibrationLoss({ model, examples }), 6);
    await loss.release();
  });

  it('is the classification loss of an encoder, and refuses examples without a label', async () => {
    const model = tinyBert();
    const { examples } = randomExamples(model, 'classes', { count: 6 });
    const logits = await logitsOf(
      model,
      examples.map(({ tokens }) => [...tokens]),
    );
    const expected = examples.map(({ label }, row) => {
      const scores = [...logits.subarray(3 * row, 3 * row + 3)];
      return Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0)) - (scores[label as number] as number);
    });
    const loss = await calibrationLoss({ model, examples });
    expect(loss).toBeCloseTo(expected.reduce((sum, value) => sum + value, 0) / 6, 5);
    const unlabelled = examples.map(({ tokens }) => ({ tokens }));
    await expect(calibrationLoss({ model, examples: unlabelled })).rejects.toThrow(UnsupportedError);
  });
});
