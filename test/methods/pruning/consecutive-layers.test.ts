import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { captureValues } from '../../../engine/runtime/capture.ts';
import method, { angularDistances } from '../../../methods/pruning/consecutive-layers.ts';
import { keepLayers } from '../../../methods/shared/surgery/structure.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

const signal = new AbortController().signal;

describe('angularDistances', () => {
  it('are mean angles in units of π', async () => {
    const model = tinyGpt({ layers: 3 });
    const [example] = randomExamples(model, 'angles', { count: 1, length: 2 }).examples;
    if (!example) throw new Error('one example expected');
    const names = [model.roles.layers[1]?.input ?? '', model.roles.layers[2]?.output ?? ''];
    const states: number[][] = [];
    await captureValues({
      model: model.onnx,
      values: names,
      examples: [example],
      visit: (captured) => void states.push(...names.map((name) => [...elements(captured[name]!, 'float32')])),
      signal,
    });
    const [a = [], b = []] = states;
    const { width } = model.roles;
    const angle = (row: number) => {
      const [x, y] = [a, b].map((each) => each.slice(row * width, (row + 1) * width)) as [number[], number[]];
      const cosine = x.reduce((sum, each, i) => sum + each * y[i]!, 0) / (Math.hypot(...x) * Math.hypot(...y));
      return Math.acos(cosine) / Math.PI;
    };
    const distances = await angularDistances(model, { removed: 2, examples: [example], signal });
    expect(distances).toHaveLength(2);
    expect(distances[1]).toBeCloseTo((angle(0) + angle(1)) / 2, 10);
  });
});

describe('consecutive-layers', () => {
  it('removes the run that has no effect', async () => {
    const plain = tinyLlama({ layers: 4 });
    // Layers 1 and 2 write nothing to the stream.
    const idle = plain.roles.layers.slice(1, 3).flatMap(({ o, down }) => [o, down]);
    const model = idle.reduce<Model>((current, linear) => {
      const { inFeatures, outFeatures } = linear;
      const zeros = new Float32Array(inFeatures * outFeatures);
      return current.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], zeros));
    }, plain);
    const { context, notes } = methodContext({ method, variant: 'd50', model });
    const smaller = (await method.compress(model, context)) as Model;
    expect(notes).toContain('layers that stay: 0, 3');
    const rows = [[3, 1, 4, 1, 5]];
    expect(largestDifference(await logitsOf(smaller, rows), await logitsOf(model, rows))).toBeLessThan(1e-5);
    expect(await logitsOf(smaller, rows)).toEqual(await logitsOf(keepLayers(model, [0, 3]), rows));
  });
});
