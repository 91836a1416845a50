import { describe, expect, it } from 'vitest';
import type { LayerRoles, Model } from '../../../engine/definitions/model.ts';
import { captureValues } from '../../../engine/runtime/capture.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import layerwiseFrozen, { studentLayers } from '../../../methods/distillation/layerwise-frozen.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

describe('studentLayers', () => {
  it('always keeps the last layer', () => {
    expect(studentLayers(12, 0.5)).toEqual([0, 2, 4, 7, 9, 11]);
    expect(studentLayers(5, 0.2)).toEqual([4]);
    expect(studentLayers(2, 0.5)).toEqual([1]);
  });
});

const models = [tinyLlama({ layers: 4 }), tinyGpt({ layers: 4 }), tinyBert({ layers: 4 })];
describe.each(models.map((model) => [model.id, model] as const))('layerwise-frozen on %s', (_, teacher) => {
  const calibration = randomExamples(teacher, 'what the teacher shows', { count: 32, length: 24 });
  async function student(params: object, from = teacher) {
    const made = methodContext({
      method: layerwiseFrozen,
      variant: '',
      params: params as Record<string, unknown>,
      model: from,
      calibration,
    });
    return { ...made, model: await layerwiseFrozen.compress(from, made.context) };
  }
  /** Σ of squared distances of a value over the calibration examples. */
  async function distance(model: Model, value: string): Promise<number> {
    const rowsOf = async (of: Model) => {
      const rows: Float32Array[] = [];
      await captureValues({
        model: of.onnx,
        values: [value],
        examples: calibration.examples,
        visit: (captured) => void rows.push(elements(captured[value] as never, 'float32').slice()),
      });
      return rows;
    };
    const [own, target] = [await rowsOf(model), await rowsOf(teacher)];
    return own.reduce(
      (sum, row, at) => sum + row.reduce((part, x, i) => part + (x - (target[at]?.[i] as number)) ** 2, 0),
      0,
    );
  }

  it('brings the stream after each layer nearer to the teacher’s, and keeps layers without error', async () => {
    const [copied, writers, all] = [
      await student({ depth: 0.5, rebuild: 'none' }),
      await student({ depth: 0.5, rebuild: 'writers' }),
      await student({ depth: 0.5 }),
    ];
    expect(all.notes).toEqual(['student: layers 0, 3 of 0 to 3']);
    const { output } = teacher.roles.layers[3] as LayerRoles;
    const [far, near, nearer] = [
      await distance(copied.model, output),
      await distance(writers.model, output),
      await distance(all.model, output),
    ];
    expect(near).toBeLessThan(far);
    expect(nearer).toBeLessThan(far);
    const first = teacher.roles.layers[0] as LayerRoles;
    expect(await distance(all.model, first.output)).toBe(0);
    expect(all.model.onnx.graph.nodes).toEqual(copied.model.onnx.graph.nodes);
  });

  it('keeps the layers unchanged where the removed ones had no effect', async () => {
    if (teacher.architecture === 'bert') return;
    let idle = teacher;
    for (const { o, down } of teacher.roles.layers.slice(1, 3)) {
      for (const linear of [o, down]) {
        const { weight, inFeatures, outFeatures, bias } = linear;
        const zeros = tensorOf('float32', [inFeatures, outFeatures], new Float32Array(inFeatures * outFeatures));
        const initializers = new Map(idle.onnx.graph.initializers).set(weight, zeros);
        if (bias !== undefined)
          initializers.set(bias, tensorOf('float32', [outFeatures], new Float32Array(outFeatures)));
        idle = idle.withOnnx({ ...idle.onnx, graph: { ...idle.onnx.graph, initializers } });
      }
    }
    const { model } = await student({ depth: 0.5 }, idle);
    const rows = calibration.examples.slice(0, 4).map(({ tokens }) => [...tokens]);
    expect(largestDifference(await logitsOf(model, rows), await logitsOf(idle, rows))).toBeLessThan(1e-3);
  });
});
