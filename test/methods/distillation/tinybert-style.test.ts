import { describe, expect, it } from 'vitest';
import type { LayerRoles, Model } from '../../../engine/definitions/model.ts';
import { attentionLoss } from '../../../engine/training/loss.ts';
import tinybertStyle, { layerLosses } from '../../../methods/distillation/tinybert-style.ts';
import { attentionScores, type AttentionScores, pairOf } from '../../../methods/shared/training/distilled-values.ts';
import { studentOf } from '../../../methods/shared/training/student.ts';
import { distanceTo, expectNearer, teachers, trainStudent } from '../../support/distilled-student.ts';
import { methodContext } from '../../support/method-context.ts';
import { logitsOf } from '../../support/run-model.ts';
import { tinyGpt } from '../../support/tiny-model.ts';

const rows = [[1, 9, 17, 4, 33, 60]];
const map = [0, 3];

describe.each(teachers)('tinybert-style of %s', (_, teacher) => {
  it('brings attention and hidden states nearer to those of the layers it was copied from', async () => {
    await expectNearer(teacher, {
      method: tinybertStyle,
      params: { layerwise: 1 },
      loss: (student) => layerLosses(student, teacher, { map, projected: false }),
    });
  });

  it('has loss 0 between a model and itself', async () => {
    const loss = layerLosses(teacher, teacher, { map: [0, 1, 2, 3], projected: false });
    expect(await distanceTo(teacher, teacher, loss, rows)).toBe(0);
  });
});

describe('layerLosses', () => {
  it('pairs each layer with its source layer, and the embeddings', async () => {
    const teacher = tinyGpt({ layers: 4 });
    const { model: student } = studentOf(teacher, 0.5);
    // Nothing is missing before the second layer of the student, so all that differs is there.
    const bottom = { ...student, roles: { ...student.roles, layers: student.roles.layers.slice(0, 1) } };
    const first = layerLosses(bottom, teacher, { map: [0], projected: false });
    expect(await distanceTo(teacher, student, first, rows)).toBeLessThan(1e-9);
    const both = layerLosses(student, teacher, { map, projected: false });
    expect(await distanceTo(teacher, student, both, rows)).toBeGreaterThan(0.1);
    expect((student.roles.layers[1] as LayerRoles).output).toBe('layers.3.output');
  });
});

describe('tinybert-style', () => {
  it('trains a narrower student through a map to the teacher’s width, which is not stored', async () => {
    const teacher = tinyGpt({ layers: 4 });
    const { student, notes } = await trainStudent(tinybertStyle, teacher, { width: 0.5 });
    const { initializers } = student.onnx.graph;
    expect(initializers.get(teacher.roles.embedding.weight)?.dims).toEqual([64, 16]);
    expect(initializers.has('projection')).toBe(false);
    expect([...initializers.keys()].some((name) => name.startsWith('teacher/'))).toBe(false);
    expect(notes[1]).toBe('features of the residual stream that stay: 16 of 32');
    expect(await logitsOf(student, [[1, 9, 17]])).toHaveLength(3 * 64);
  });

  it('trains the smaller model, whose layers are paired with evenly spaced ones', async () => {
    const teacher = tinyGpt({ layers: 4 });
    const smaller = tinyGpt({ seed: 'smaller', layers: 2, width: 16, hiddenWidth: 24 });
    const params = { depth: 'smaller', steps: 40, layerwise: 1, learningRate: 3e-3 };
    const { context, notes } = methodContext({ method: tinybertStyle, variant: '', params, model: teacher, smaller });
    const { onnx } = await tinybertStyle.compress(teacher, context);
    expect([...onnx.graph.initializers.keys()]).toEqual([...smaller.onnx.graph.initializers.keys()]);
    expect(notes).toEqual([`student: ${smaller.id}, as it was trained before; that training is not in the cost`]);
    const attentionOf = (model: Model) => {
      const scores = [model, teacher].map((at) => attentionScores(at, at.roles.layers.at(-1) as LayerRoles));
      const [own, other] = scores as [AttentionScores, AttentionScores];
      return distanceTo(
        teacher,
        model,
        attentionLoss({ pairs: [pairOf(own.raw, other.raw)], visible: [own.visible] }),
        rows,
      );
    };
    expect(await attentionOf(smaller.withOnnx(onnx))).toBeLessThan(0.8 * (await attentionOf(smaller)));
  });

  it('refuses a smaller model with another number of heads', async () => {
    const smaller = tinyGpt({ seed: 'smaller', layers: 2, width: 16, hiddenWidth: 24, heads: 2 });
    const params = { depth: 'smaller', steps: 2 };
    const { context } = methodContext({ method: tinybertStyle, variant: '', params, model: tinyGpt(), smaller });
    await expect(tinybertStyle.compress(tinyGpt(), context)).rejects.toThrow(/4 heads.* got 2 heads/);
  });
});
