import { describe, expect, it } from 'vitest';
import type { LayerRoles } from '../../../harness/contracts/model.ts';
import tinybertStyle, { layerLosses } from '../../../methods/distillation/tinybert-style.ts';
import { studentOf } from '../../../methods/shared/student.ts';
import { distanceTo, expectNearer, teachers, trainStudent } from '../../support/distilled-student.ts';
import { logitsOf } from '../../support/run-model.ts';
import { tinyGpt } from '../../support/tiny-model.ts';

const rows = [[1, 9, 17, 4, 33, 60]];
const map = [0, 3];

describe.each(teachers)('tinybert-style of %s', (_, teacher) => {
  it('brings attention and hidden states nearer to those of the layers it came from', async () => {
    await expectNearer(teacher, {
      method: tinybertStyle,
      params: { layerwise: 1 },
      loss: (student) => layerLosses(student, teacher, { map, projected: false }),
    });
  });

  it('compares a model with itself and finds nothing', async () => {
    const loss = layerLosses(teacher, teacher, { map: [0, 1, 2, 3], projected: false });
    expect(await distanceTo(teacher, teacher, loss, rows)).toBe(0);
  });
});

describe('layerLosses', () => {
  it('pairs each layer with the one it came from, and the embeddings', async () => {
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
  it('trains a narrower student through a map to the teacher’s width, which is not in the file', async () => {
    const teacher = tinyGpt({ layers: 4 });
    const { student, notes } = await trainStudent(tinybertStyle, teacher, { width: 0.5 });
    const { initializers } = student.onnx.graph;
    expect(initializers.get(teacher.roles.embedding.weight)?.dims).toEqual([64, 16]);
    expect(initializers.has('projection')).toBe(false);
    expect([...initializers.keys()].some((name) => name.startsWith('teacher/'))).toBe(false);
    expect(notes[1]).toBe('features of the residual stream that stay: 16 of 32');
    expect(await logitsOf(student, [[1, 9, 17]])).toHaveLength(3 * 64);
  });
});
