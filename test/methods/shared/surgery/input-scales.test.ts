import { describe, expect, it } from 'vitest';
import type { Model } from '../../../../engine/definitions/model.ts';
import { createRandom } from '../../../../numerics/tensor/random.ts';
import { layersByInput, withInputScales } from '../../../../methods/shared/surgery/input-scales.ts';
import { largestDifference, logitsOf } from '../../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama } from '../../../support/tiny-model.ts';

const rows = [
  [1, 9, 17, 4, 33, 60, 2, 8],
  [5, 5, 40, 12, 7, 21, 3, 50],
];

function scaled(model: Model) {
  const random = createRandom('input-scales');
  const groups = layersByInput(model.linears).map((linears) => ({
    linears,
    scales: Float32Array.from({ length: linears[0]!.inFeatures }, () => 0.3 + 3 * random.next()),
  }));
  return withInputScales(model, groups);
}

describe('withInputScales', () => {
  it.each<readonly [string, Model, number]>([
    // Shared value heads: one multiplication before o in each of two layers.
    ['a llama with fewer key-value heads', tinyLlama(), 2],
    ['a llama with a key-value head for each', tinyLlama({ keyValueHeads: 4 }), 0],
    // Before down, where GELU stands in between.
    ['a gpt', tinyGpt(), 2],
    // Before q, k, v; before up, whose inputs are also the residual stream; before down.
    ['a bert', tinyBert(), 6],
  ])('does not change what %s computes', async (_, model, added) => {
    const { model: changed, linears, remark } = scaled(model);
    const dense = await logitsOf(model, rows);
    const largest = Math.max(...dense.map(Math.abs));
    expect(largestDifference(await logitsOf(changed, rows), dense)).toBeLessThan(2e-5 * largest);
    for (const linear of model.linears) expect(changed.weight(linear)).not.toEqual(model.weight(linear));
    expect(changed.onnx.graph.nodes.length - model.onnx.graph.nodes.length).toBe(added);
    expect(remark === undefined).toBe(added === 0);
    for (const { node, input } of linears) {
      expect(changed.onnx.graph.nodes.find(({ name }) => name === node)?.inputs[0]).toBe(input);
    }
  });

  it('notes where it adds multiplications', () => {
    expect(scaled(tinyBert()).remark).toMatch(/^6 scalings \(before q, k, v, up, down\) are multiplications/);
    expect(scaled(tinyLlama()).remark).toMatch(/^2 scalings \(before o\)/);
  });

  it('adds one where only some of the readers are scaled', async () => {
    const model = tinyLlama();
    const { q } = model.roles.layers[0]!;
    const scales = new Float32Array(q.inFeatures).fill(2);
    const { model: changed, remark } = withInputScales(model, [{ linears: [q], scales }]);
    expect(remark).toMatch(/^1 scalings \(before q\)/);
    expect(largestDifference(await logitsOf(changed, rows), await logitsOf(model, rows))).toBeLessThan(1e-4);
  });
});

describe('layersByInput', () => {
  it('groups layers by input, in order', () => {
    const groups = layersByInput(tinyLlama().linears).map((group) => group.map(({ role }) => role.slice(9)));
    expect(groups.slice(0, 4)).toEqual([['q', 'k', 'v'], ['o'], ['gate', 'up'], ['down']]);
  });
});
