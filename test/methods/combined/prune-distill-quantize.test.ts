import { describe, expect, it } from 'vitest';
import method from '../../../methods/combined/prune-distill-quantize.ts';
import { effectiveWeight } from '../../support/effective-weight.ts';
import { methodContext } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { logitsOf } from '../../support/run-model.ts';
import { tinyGpt, tinyLlama, tinyModels } from '../../support/tiny-model.ts';

const training = countingExamples();
const calibration = countingExamples({ length: 32 });
const format = { bits: 4, groupSize: 32 };

describe('prune-distill-quantize', () => {
  it.each([
    ['layers', { depth: 0.5 }],
    ['weights', { sparsity: 0.7 }],
    ['both', { depth: 0.5, sparsity: 0.5 }],
  ] as const)('recovers from removing %s, further with more steps', async (_, pruning) => {
    const model = tinyGpt({ layers: 4 });
    const loss = async (steps: number, learningRate: number) => {
      const params = { ...pruning, ...format, steps, learningRate };
      const { context, spent } = methodContext({ method, variant: '', params, model, training, calibration });
      const compressed = await method.compress(model, context);
      expect(spent.steps).toBe(steps);
      return nextTokenLoss(compressed, training);
    };
    const [untrained, trained] = [await loss(2, 1e-9), await loss(60, 5e-3)];
    expect(trained).toBeLessThan(0.8 * untrained);
  });

  it.each(tinyModels.map((model) => [model.id, model] as const))(
    'keeps zeros zero through distillation and rounding: %s',
    async (_, model) => {
      const params = { sparsity: 0.5, ...format, steps: 4 };
      const { context } = methodContext({ method, variant: '', params, model });
      const compressed = await method.compress(model, context);
      for (const linear of model.linears) {
        const weight = effectiveWeight(compressed, linear);
        expect(weight.filter((value) => value === 0).length).toBeGreaterThanOrEqual(Math.floor(0.49 * weight.length));
      }
    },
  );

  it('stores only the kept layers, all in few bits', async () => {
    const model = tinyLlama({ layers: 4 });
    const params = { depth: 0.5, ...format, steps: 2 };
    const { context, notes } = methodContext({ method, variant: '', params, model });
    const { onnx } = await method.compress(model, context);
    expect(notes).toEqual(['student: layers 0, 3 of 0 to 3']);
    expect(onnx.graph.nodes.filter(({ op }) => op === 'MatMulNBits')).toHaveLength(14);
    expect([...onnx.graph.initializers.keys()].filter((name) => /^layers\.[12]\./.test(name))).toEqual([]);
  });

  it('learns from the teacher: its probabilities are nearer than those of the rounded model without distillation', async () => {
    const model = tinyGpt({ layers: 4 });
    const rows = Array.from({ length: 8 }, (_, row) => [...(calibration.examples[row]?.tokens ?? [])]);
    const teacher = await logitsOf(model, rows);
    const divergence = async (params: Readonly<Record<string, unknown>>) => {
      const all = { sparsity: 0.6, ...format, teacherShare: 1, ...params };
      const { context } = methodContext({ method, variant: '', params: all, model, training, calibration });
      const student = await logitsOf(await method.compress(model, context), rows);
      return kl(teacher, student, 64);
    };
    expect(await divergence({ steps: 60, learningRate: 3e-3 })).toBeLessThan(
      0.7 * (await divergence({ steps: 2, learningRate: 1e-9 })),
    );
  });

  it('refuses parameters that prune nothing', async () => {
    const model = tinyGpt();
    const { context } = methodContext({ method, variant: '', params: { ...format, steps: 10 }, model });
    await expect(method.compress(model, context)).rejects.toThrow(/nothing would be pruned/);
  });
});

/** Mean KL(p ‖ q) of the softmax of rows of `classes` scores. */
function kl(p: Float32Array, q: Float32Array, classes: number): number {
  let sum = 0;
  for (let start = 0; start < p.length; start += classes) {
    const [a, b] = [p, q].map((scores) => {
      const row = scores.subarray(start, start + classes);
      const highest = Math.max(...row);
      const total = row.reduce((all, score) => all + Math.exp(score - highest), 0);
      return Array.from(row, (score) => score - highest - Math.log(total));
    });
    a!.forEach((logP, k) => (sum += Math.exp(logP) * (logP - b![k]!)));
  }
  return sum / (p.length / classes);
}
