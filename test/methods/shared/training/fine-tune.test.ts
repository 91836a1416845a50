import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../../contracts/errors.ts';
import type { ExampleSet, TrainedContext } from '../../../../engine/definitions/method.ts';
import studentNoKd from '../../../../methods/distillation/student-no-kd.ts';
import { type Budget, fineTune } from '../../../../methods/shared/training/fine-tune.ts';
import { methodContext, type MethodContextOptions } from '../../../support/method-context.ts';
import { countingExamples } from '../../../support/next-token-loss.ts';
import { tinyBert, tinyGpt } from '../../../support/tiny-model.ts';

const budget = { depth: 0.5, steps: 30, learningRate: 5e-3, batch: 4 };

function contextFor(options: Omit<MethodContextOptions, 'method' | 'variant' | 'params'>) {
  const made = methodContext({ method: studentNoKd, variant: '', params: budget, ...options });
  return { ...made, context: made.context as unknown as TrainedContext<Budget> };
}

describe('fineTune', () => {
  it('lowers the loss of a decoder and reports its work', async () => {
    const model = tinyGpt();
    const { context, spent, progress } = contextFor({ model, training: countingExamples() });
    const { loss, parameters } = await fineTune(context, { model, onnx: model.onnx });
    expect(loss).toHaveLength(30);
    expect(loss.at(-1)).toBeLessThan(0.5 * (loss[0] as number));
    expect([...parameters.keys()]).toContain(model.roles.embedding.weight);
    expect(spent).toEqual({ steps: 30, tokens: 30 * 4 * model.contextLength });
    expect(progress.at(-1)).toBe(1);
  });

  it('uses the same batches whatever the seed of the method, and others for another training set', async () => {
    const model = tinyGpt();
    const training = countingExamples();
    const firstLoss = async (seed: number, set: ExampleSet) =>
      (await fineTune(contextFor({ model, seed, training: set }).context, { model, onnx: model.onnx })).loss[0];
    const first = await firstLoss(1, training);
    expect(await firstLoss(2, training)).toBe(first);
    expect(await firstLoss(1, { ...training, contentHash: 'another draw' })).not.toBe(first);
  });

  it('continues with the batches in a later stage, and counts its own steps', async () => {
    const model = tinyGpt();
    const training = countingExamples();
    const still = { learningRate: 1e-12 };
    const losses = async (stage: { first: number; steps: number }) => {
      const { context, spent, progress } = contextFor({ model, training });
      const quiet = { ...context, params: { ...context.params, ...still } };
      const { loss } = await fineTune(quiet, { model, onnx: model.onnx, stage });
      expect(spent.steps).toBe(stage.steps);
      expect(progress.at(-1)).toBeCloseTo((stage.first + stage.steps) / 30, 12);
      return loss;
    };
    const all = await losses({ first: 0, steps: 30 });
    const [before, after] = [await losses({ first: 0, steps: 12 }), await losses({ first: 12, steps: 18 })];
    for (const [at, loss] of [...before, ...after].entries()) expect(loss).toBeCloseTo(all[at] as number, 5);
    expect(new Set(all.map((loss) => loss.toFixed(4))).size).toBeGreaterThan(5);
  });

  it('trains an encoder on its classes, and refuses examples without a label', async () => {
    const model = tinyBert();
    const examples = countingExamples({ length: 20 }).examples.map((example, row) => ({ ...example, label: row % 3 }));
    const labelled = { ...countingExamples(), examples };
    const { context } = contextFor({ model, training: labelled });
    const { loss } = await fineTune(context, { model, onnx: model.onnx });
    expect(loss.at(-1)).toBeLessThan(0.5 * (loss[0] as number));
    const unlabelled = contextFor({ model, training: countingExamples() });
    await expect(fineTune(unlabelled.context, { model, onnx: model.onnx })).rejects.toThrow(UnsupportedError);
  });
});
