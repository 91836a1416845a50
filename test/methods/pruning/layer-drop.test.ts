import { describe, expect, it } from 'vitest';
import { captureValues } from '../../../engine/runtime/capture.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import layerDrop, { blockInfluence } from '../../../methods/pruning/layer-drop.ts';
import { keepLayers } from '../../../methods/shared/surgery/structure.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

const deep = [tinyLlama({ layers: 4 }), tinyGpt({ layers: 4 }), tinyBert({ layers: 4 })];
const { signal } = new AbortController();
const rows = [[1, 9, 17, 4, 33, 60]];

describe.each(deep.map((model) => [model.id, model] as const))('layer-drop on %s', (_, model) => {
  const { examples } = randomExamples(model, 'influence', { count: 3 });

  it('measures the influence of each block by the formula', async () => {
    const states: number[][][] = model.roles.layers.map(() => []);
    for (const [index, { input, output }] of model.roles.layers.entries()) {
      await captureValues({
        model: model.onnx,
        values: [input, output],
        examples,
        visit(captured) {
          const [before, after] = [input, output].map((value) => [...elements(captured[value]!, 'float32')]);
          for (let at = 0; at < (before?.length ?? 0); at += 32) {
            const [a, b] = [before?.slice(at, at + 32) ?? [], after?.slice(at, at + 32) ?? []];
            const dot = a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
            states[index]?.push([dot / Math.hypot(...a) / Math.hypot(...b)]);
          }
        },
      });
    }
    const expected = states.map((cosines) => 1 - cosines.flat().reduce((sum, x) => sum + x, 0) / cosines.length);
    const found = await blockInfluence(model, examples, signal);
    expect(largestDifference(found, expected)).toBeLessThan(1e-9);
    expect(Math.max(...found) - Math.min(...found)).toBeGreaterThan(0.01);
  });

  it('removes the layers of least influence, the last ones or random ones', async () => {
    const influence = await blockInfluence(model, examples, signal);
    const order = [0, 1, 2, 3].sort((a, b) => (influence[b] as number) - (influence[a] as number));
    const dropped = async (variant: string) => {
      const calibration = randomExamples(model, 'influence', { count: 3 });
      const { context, notes } = methodContext({ method: layerDrop, variant, model, calibration, seed: 5 });
      return { compressed: await layerDrop.compress(model, context), notes };
    };
    const half = await dropped('d50');
    const kept = order.slice(0, 2).sort();
    expect(half.notes.at(-1)).toBe(`layers that stay: ${kept.join(', ')}`);
    expect(
      largestDifference(await logitsOf(half.compressed, rows), await logitsOf(keepLayers(model, kept), rows)),
    ).toBe(0);
    expect((await dropped('d75-last')).notes).toEqual(['layers that stay: 0, 1, 2']);
    expect((await dropped('d25-last')).notes).toEqual(['layers that stay: 0']);
    expect((await dropped('d50-random')).notes).toHaveLength(1);
  });
});

describe('layer-drop', () => {
  it('removes a layer without effect, and the output does not change', async () => {
    const model = tinyGpt({ layers: 3 });
    const idle = [model.roles.layers[1]?.o, model.roles.layers[1]?.down].reduce((result, linear) => {
      if (linear === undefined) throw new Error('no layer');
      const { graph } = result.onnx;
      const initializers = new Map(graph.initializers)
        .set(linear.weight, tensorOf('float32', [linear.inFeatures, 32], new Float32Array(linear.inFeatures * 32)))
        .set(linear.bias ?? '', tensorOf('float32', [32], new Float32Array(32)));
      return result.withOnnx({ ...result.onnx, graph: { ...graph, initializers } });
    }, model);
    const { context, notes } = methodContext({ method: layerDrop, variant: 'd75', model: idle });
    const shallow = await layerDrop.compress(idle, context);
    expect(notes.at(-1)).toBe('layers that stay: 0, 2');
    expect(largestDifference(await logitsOf(shallow, rows), await logitsOf(idle, rows))).toBeLessThan(1e-6);
  });
});
