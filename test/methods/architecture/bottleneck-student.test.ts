import { describe, expect, it } from 'vitest';
import { captureValues } from '../../../engine/runtime/capture.ts';
import { elements } from '../../../numerics/tensor/tensor.ts';
import bottleneckStudent, { streamDirections } from '../../../methods/architecture/bottleneck-student.ts';
import { countUnits } from '../../../methods/shared/surgery/structure.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { tinyGpt, tinyModels } from '../../support/tiny-model.ts';

const { signal } = new AbortController();

describe('streamDirections', () => {
  it.each(tinyModels.map((model) => [model.id, model] as const))(
    'preserve most of the energy of the stream of %s',
    async (_, model) => {
      const { examples } = randomExamples(model, 'directions', { count: 4 });
      const { bases, narrow } = await streamDirections(model, { narrow: 8, examples, signal });
      expect(narrow).toBe(8);
      const { input, output } = model.roles.layers[1] as (typeof model.roles.layers)[number];
      const basis = bases[1] as Float64Array; // [32, 8]
      const column = (at: number) => Array.from({ length: 32 }, (__, i) => basis[i * 8 + at] as number);
      const dot = (a: number[], b: number[]) => a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
      for (let a = 0; a < 8; a++)
        for (let b = 0; b < 8; b++) expect(dot(column(a), column(b))).toBeCloseTo(a === b ? 1 : 0, 8);
      let [total, held, coordinates] = [0, 0, 0];
      await captureValues({
        model: model.onnx,
        values: [input, output],
        examples,
        visit(captured) {
          for (const value of [input, output]) {
            const flat = [...elements(captured[value]!, 'float32')];
            for (let at = 0; at < flat.length; at += 32) {
              const row = flat.slice(at, at + 32);
              total += dot(row, row);
              for (let j = 0; j < 8; j++) held += dot(row, column(j)) ** 2;
              coordinates += dot(row.slice(0, 8), row.slice(0, 8));
            }
          }
        },
      });
      expect(held / total).toBeGreaterThan(coordinates / total);
      expect(held / total).toBeGreaterThan(0.35);
    },
  );
});

describe('bottleneck-student', () => {
  it('is as deep as the teacher and narrow, and learns', async () => {
    const model = tinyGpt();
    const training = countingExamples();
    const losses = await Promise.all(
      [2, 60].map(async (steps) => {
        const params = { narrow: 0.5, steps, learningRate: 5e-3 };
        const { context, spent } = methodContext({ method: bottleneckStudent, variant: '', params, model, training });
        const student = await bottleneckStudent.compress(model, context);
        expect(spent.steps).toBe(steps);
        expect(countUnits(student)).toEqual([
          { heads: 2, neurons: 24, groupWidth: 8 },
          { heads: 2, neurons: 24, groupWidth: 8 },
        ]);
        expect(student.roles.layers.map(({ up }) => up.inFeatures)).toEqual([16, 16]);
        const names = [...student.onnx.graph.initializers.keys()];
        expect(names.filter((name) => name.startsWith('teacher/'))).toEqual([]);
        expect(names).toContain('layers.0.bottleneck.in.weight');
        return nextTokenLoss(student, training);
      }),
    );
    expect(losses[1]).toBeLessThan(0.6 * (losses[0] as number));
  });
});
