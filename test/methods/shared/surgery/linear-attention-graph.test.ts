import { describe, expect, it } from 'vitest';
import type { LayerRoles, Model } from '../../../../engine/definitions/model.ts';
import { headsOfLayer } from '../../../../engine/model/model.ts';
import { createRandom } from '../../../../numerics/tensor/random.ts';
import { captureValues } from '../../../../engine/runtime/capture.ts';
import { elements } from '../../../../numerics/tensor/tensor.ts';
import { featureMaps } from '../../../../methods/architecture/linear-attention.ts';
import { projected, withLinearAttention } from '../../../../methods/shared/surgery/linear-attention-graph.ts';
import { buildTransformersModel } from '../../../../models/shared/transformers-model.ts';
import { folderFiles } from '../../../support/model-files.ts';
import { largestDifference, logitsOf } from '../../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama, tinyModels } from '../../../support/tiny-model.ts';

const tokens = Int32Array.of(1, 9, 17, 4, 33, 60, 2);
const each = [...tinyModels, tinyLlama({ keyValueHeads: 4 })].map((model, at) => [`${model.id} ${at}`, model] as const);

async function capture(model: Model, values: readonly string[]): Promise<Readonly<Record<string, Float32Array>>> {
  let found: Record<string, Float32Array> = {};
  await captureValues({
    model: model.onnx,
    values,
    examples: [{ tokens }],
    visit(captured) {
      found = Object.fromEntries(values.map((value) => [value, elements(captured[value]!, 'float32').slice()]));
    },
  });
  return found;
}

describe.each(each)('withLinearAttention on %s', (_, model) => {
  const sequence = tokens.length;
  const map = featureMaps(model, 0.5);
  const linear = withLinearAttention(model, { ...map, form: 'products' });

  it.each([0, 1])('equals the sum over keys in the papers, in block %i', async (index) => {
    const layer = linear.roles.layers[index] as LayerRoles;
    const { heads, keyValueHeads, headWidth } = headsOfLayer(linear.roles, layer);
    // Projected and mapped by hand from what enters the block's projections.
    const { [layer.q.input]: x = new Float32Array(), [layer.o.input]: y = new Float32Array() } = await capture(linear, [
      layer.q.input,
      layer.o.input,
    ]);
    const dense = model.roles.layers[index] as LayerRoles;
    const row = (role: 'q' | 'k' | 'v', position: number): number[] => {
      const { bias, outFeatures, inFeatures } = dense[role];
      const weight = model.weight(dense[role]);
      const offset = bias === undefined ? undefined : model.onnx.graph.initializers.get(bias);
      const start = offset === undefined ? new Float32Array(outFeatures) : elements(offset, 'float32');
      return Array.from(start, (first, out) => {
        let sum = first;
        for (let i = 0; i < inFeatures; i++)
          sum += (x[position * inFeatures + i] as number) * (weight[i * outFeatures + out] as number);
        return sum;
      });
    };
    const served = heads / keyValueHeads;
    const phi = (values: number[], head: number, group: number): number[] => {
      const matrix = map.maps[index]?.[group] as Float64Array;
      return Array.from({ length: map.features }, (__, feature) => {
        let sum = 0;
        for (let at = 0; at < headWidth; at++)
          sum += (values[head * headWidth + at] as number) * (matrix[at * map.features + feature] as number);
        return sum;
      });
    };
    const relu = (values: number[]) => values.map((value) => Math.max(0, value));
    const turn = (values: number[], position: number): number[] => {
      if (map.pairs === undefined) return values;
      return values.map((value, at) => {
        const angle = position * 10_000 ** (-(2 * (map.pairs?.[Math.floor(at / 2)] as number)) / headWidth);
        const other = values[at % 2 === 0 ? at + 1 : at - 1] as number;
        return value * Math.cos(angle) + (at % 2 === 0 ? -1 : 1) * other * Math.sin(angle);
      });
    };
    const dot = (a: number[], b: number[]) => a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
    const [q, k, v] = (['q', 'k', 'v'] as const).map((role) =>
      Array.from(tokens, (__, position) => row(role, position)),
    );
    let largest = 0;
    for (let head = 0; head < heads; head++) {
      const group = Math.floor(head / served);
      for (let i = 0; i < sequence; i++) {
        const query = relu(turn(phi(q?.[i] ?? [], head, group), i)).map((value) => value / Math.sqrt(headWidth));
        const last = model.kind === 'decoder' ? i : sequence - 1;
        let z = 1e-6;
        const sums = new Float64Array(headWidth);
        for (let j = 0; j <= last; j++) {
          const weight = dot(query, relu(turn(phi(k?.[j] ?? [], group, group), j)));
          z += weight;
          for (let at = 0; at < headWidth; at++)
            sums[at] = (sums[at] as number) + weight * (v?.[j]?.[group * headWidth + at] as number);
        }
        for (let at = 0; at < headWidth; at++) {
          const found = y[i * heads * headWidth + head * headWidth + at] as number;
          const expected = (sums[at] as number) / z;
          largest = Math.max(largest, Math.abs(found - expected) / (1 + Math.abs(expected)));
        }
      }
    }
    expect(largest).toBeLessThan(2e-5);
  });

  it('is the same with running sums', async () => {
    const sums = withLinearAttention(model, { ...map, form: 'sums' });
    const rows = [[...tokens], [...tokens].reverse()];
    const expected = await logitsOf(linear, rows);
    expect(largestDifference(await logitsOf(sums, rows), expected)).toBeLessThan(1e-4);
    if (model.kind === 'decoder')
      expect(sums.onnx.graph.nodes.map(({ op }) => op)).not.toEqual(linear.onnx.graph.nodes.map(({ op }) => op));
  });

  it('has smaller query and key matrices, and matching roles', () => {
    for (const [index, { q, k, v }] of linear.roles.layers.entries()) {
      const dense = model.roles.layers[index] as LayerRoles;
      expect(linear.weight(q)).toHaveLength(model.weight(dense.q).length / 2);
      expect(linear.weight(k)).toHaveLength(model.weight(dense.k).length / 2);
      expect(linear.weight(v)).toEqual(model.weight(dense.v));
      expect(headsOfLayer(linear.roles, linear.roles.layers[index] as LayerRoles)).toEqual(
        headsOfLayer(model.roles, dense),
      );
    }
    expect(linear.onnx.graph.nodes.some(({ op }) => op === 'Softmax')).toBe(false);
  });
});

describe('withLinearAttention', () => {
  it.each([tinyGpt(), tinyLlama()].map((model) => [model.id, model] as const))(
    'lets no position of %s see a later one',
    async (_, model) => {
      for (const form of ['products', 'sums'] as const) {
        const linear = withLinearAttention(model, { ...featureMaps(model, 0.5), form });
        const whole = await logitsOf(linear, [[...tokens]]);
        for (const length of [1, 4]) {
          const cut = await logitsOf(linear, [[...tokens.subarray(0, length)]]);
          expect(largestDifference(cut, whole.subarray(0, length * 64))).toBeLessThan(1e-5);
        }
      }
    },
  );

  it('hides padding in an encoder', async () => {
    const model = tinyBert();
    const linear = withLinearAttention(model, { ...featureMaps(model, 0.5), form: 'products' });
    const ids = [...tokens];
    const alone = await logitsOf(linear, [ids]);
    const padded = await logitsOf(linear, [[...ids, 5, 7]], [[...ids.map(() => 1), 0, 0]]);
    expect(largestDifference(padded, alone)).toBeLessThan(1e-5);
  });
});

describe('projected', () => {
  it('multiplies each head by the map of its group', () => {
    const random = createRandom('projected');
    const weight = Float32Array.from({ length: 3 * 4 * 2 }, () => random.normal()); // 3 rows, 4 heads of 2
    const maps = [Float64Array.of(1, 2), Float64Array.of(-1, 3)]; // [2, 1]
    const found = projected(weight, { rows: 3, heads: 4, perMap: 2, maps, features: 1 });
    for (let row = 0; row < 3; row++)
      for (let head = 0; head < 4; head++) {
        const [a, b] = head < 2 ? [1, 2] : [-1, 3];
        const at = (row * 4 + head) * 2;
        expect(found[row * 4 + head]).toBeCloseTo(a * (weight[at] as number) + b * (weight[at + 1] as number), 5);
      }
  });
});

it.each([
  ['gpt-neox', /layer 0 has rotary positions on a part of each head \(Split "layers\.0\.attention\.query\.parts"\)/],
  ['qwen3', /layer 0 has a norm of queries and keys/],
])('refuses the heads of %s', async (name, message) => {
  const folder = new URL(`../../../golden/transformers/${name}`, import.meta.url).pathname;
  const model = await buildTransformersModel('tiny', folderFiles(folder), { contextLimit: 24 });
  expect(() => withLinearAttention(model, { features: 4, maps: [], form: 'products' })).toThrow(message);
});
