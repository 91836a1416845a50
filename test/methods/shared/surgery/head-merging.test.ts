import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../../contracts/errors.ts';
import type { Model } from '../../../../engine/definitions/model.ts';
import { createRandom } from '../../../../numerics/tensor/random.ts';
import { elements, tensorOf } from '../../../../numerics/tensor/tensor.ts';
import { type Merging, mergeHeads, pool } from '../../../../methods/shared/surgery/head-merging.ts';
import { buildLlama } from '../../../../models/shared/llama-graph.ts';
import { largestDifference, logitsOf } from '../../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama, tinyLlamaParts } from '../../../support/tiny-model.ts';

const random = createRandom('merge');
const rows = [[1, 9, 17, 4, 33, 60]];
const merge = (model: Model, merging: Merging) => mergeHeads(model, { ...merging, random });

/** The model with every key and value head of a group equal to the group's first. */
function withEqualHeads(model: Model, size: number): Model {
  const heads = model.roles.keyValueHeads;
  const headWidth = model.roles.width / model.roles.heads;
  const initializers = new Map(model.onnx.graph.initializers);
  for (const { k, v } of model.roles.layers) {
    for (const name of [k.weight, v.weight, k.bias, v.bias]) {
      const tensor = name === undefined ? undefined : initializers.get(name);
      if (name === undefined || tensor === undefined) continue;
      const values = elements(tensor, 'float32');
      const width = heads * headWidth;
      const first = (column: number) =>
        Math.floor(column / (size * headWidth)) * size * headWidth + (column % headWidth);
      const equal = values.map((_, at) => values[at - (at % width) + first(at % width)] as number);
      initializers.set(name, tensorOf('float32', tensor.dims, equal));
    }
  }
  return model.withOnnx({ ...model.onnx, graph: { ...model.onnx.graph, initializers } });
}

describe.each([tinyGpt(), tinyBert(), tinyLlama({ keyValueHeads: 4 })].map((model) => [model.id, model] as const))(
  'mergeHeads on %s',
  (_, model) => {
    it.each([2, 4])('loses nothing where the %i heads of a group are equal', async (size) => {
      const equal = withEqualHeads(model, size);
      const expected = await logitsOf(equal, rows);
      for (const by of ['mean', 'first'] as const) {
        const merged = merge(equal, { merged: size, by });
        expect(largestDifference(await logitsOf(merged, rows), expected)).toBeLessThan(2e-6);
        const [layer] = merged.roles.layers;
        expect(layer).toMatchObject({ heads: 4, keyValueHeads: 4 / size });
        expect(merged.weight(layer?.k as never)).toHaveLength((32 * 32) / size);
      }
    });

    it('equals the model with heads set to the mean, or to one of the group', async () => {
      const headWidth = 8;
      for (const by of ['mean', 'first', 'random'] as const) {
        const merged = merge(model, { merged: 2, by });
        // The whole model, each of its heads overwritten by the merged one.
        const initializers = new Map(model.onnx.graph.initializers);
        for (const { k, v } of model.roles.layers) {
          for (const name of [k.weight, v.weight, k.bias, v.bias]) {
            if (name === undefined) continue;
            const [old, small] = [initializers, merged.onnx.graph.initializers].map((all) => all.get(name));
            if (old === undefined || small === undefined) throw new Error(name);
            const values = elements(small, 'float32');
            const source = (at: number): number => {
              const [row, column] = [Math.floor(at / 32), at % 32];
              const head = Math.floor(column / headWidth / 2);
              return values[row * 16 + head * headWidth + (column % headWidth)] as number;
            };
            const repeated = Float32Array.from({ length: elements(old, 'float32').length }, (_, at) => source(at));
            initializers.set(name, tensorOf('float32', old.dims, repeated));
          }
        }
        const whole = model.withOnnx({ ...model.onnx, graph: { ...model.onnx.graph, initializers } });
        expect(largestDifference(await logitsOf(merged, rows), await logitsOf(whole, rows))).toBeLessThan(5e-6);
      }
    });
  },
);

describe('mergeHeads', () => {
  it('equals the graph built with that number of key-value heads', async () => {
    const { config, weights } = tinyLlamaParts({ keyValueHeads: 4 });
    const groups = [
      [0, 1],
      [2, 3],
    ];
    const layers = weights.layers.map((layer) => ({
      ...layer,
      k: pool(layer.k, { groups, headWidth: 8, rows: 32 }),
      v: pool(layer.v, { groups, headWidth: 8, rows: 32 }),
    }));
    const built = buildLlama('built', { ...config, keyValueHeads: 2 }, { ...weights, layers });
    const merged = merge(buildLlama('whole', config, weights), { merged: 2, by: 'mean' });
    expect(largestDifference(await logitsOf(merged, rows), await logitsOf(built, rows))).toBe(0);
    expect(merged.onnx.graph.nodes).toHaveLength(built.onnx.graph.nodes.length);
  });

  it('merges grouped heads further', async () => {
    const model = tinyLlama({ heads: 8, keyValueHeads: 4 });
    const once = merge(merge(model, { merged: 2, by: 'first' }), { merged: 2, by: 'first' });
    const all = merge(model, { merged: 'all', by: 'first' });
    expect(largestDifference(await logitsOf(once, rows), await logitsOf(all, rows))).toBe(0);
  });

  it('refuses groups that do not divide the heads, and a single head', () => {
    expect(() => merge(tinyGpt(), { merged: 3, by: 'mean' })).toThrow(UnsupportedError);
    expect(() => merge(tinyLlama({ keyValueHeads: 1 }), { merged: 'all', by: 'mean' })).toThrow(UnsupportedError);
  });
});

describe('pool', () => {
  it('takes the mean head by head', () => {
    const weight = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const pooled = pool(weight, { groups: [[0, 1]], headWidth: 2, rows: 2 });
    expect([...pooled]).toEqual([2, 3, 6, 7]);
    expect([...pool(weight, { groups: [[1], [0]], headWidth: 2, rows: 2 })]).toEqual([3, 4, 1, 2, 7, 8, 5, 6]);
  });
});
