import { describe, expect, it } from 'vitest';
import { embeddingWeights } from '../../../harness/measure/embedding-weights.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import weightClustering, { clusterCentres, codesOf } from '../../../methods/sharing/weight-clustering.ts';
import { methodContext } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt, tinyLlama, tinyModels } from '../../support/tiny-model.ts';

const random = createRandom('weight-clustering');
const gaussian = (length: number) => Float32Array.from({ length }, () => random.normal());
const rows = [[1, 9, 17, 4, 33, 60]];

/** Σ (w − nearest centre)², by looking at every centre. */
function objective(weights: Float32Array, centres: ArrayLike<number>): number {
  return weights.reduce((sum, weight) => {
    const nearest = Math.min(...Array.from(centres, (centre) => Math.abs(weight - centre)));
    return sum + nearest * nearest;
  }, 0);
}

/** Lloyd's algorithm as it is written down, from even centres, `rounds` times. */
function lloyd(weights: Float32Array, clusters: number, rounds: number): number[] {
  const [least, largest] = [Math.min(...weights), Math.max(...weights)];
  let centres = Array.from({ length: clusters }, (_, k) => least + ((largest - least) * k) / (clusters - 1));
  for (let round = 0; round < rounds; round++) {
    const members = centres.map(() => [] as number[]);
    for (const weight of weights) {
      const distances = centres.map((centre) => Math.abs(weight - centre));
      members[distances.indexOf(Math.min(...distances))]?.push(weight);
    }
    centres = centres.map((centre, k) => {
      const own = members[k] ?? [];
      return own.length === 0 ? centre : own.reduce((sum, weight) => sum + weight, 0) / own.length;
    });
  }
  return centres;
}

async function compress(model: ReturnType<typeof tinyGpt>, params: object) {
  const made = methodContext({
    method: weightClustering,
    variant: '',
    params: params as Record<string, unknown>,
    model,
  });
  return weightClustering.compress(model, made.context);
}

describe('clusterCentres', () => {
  it('is where Lloyd’s algorithm ends from evenly spaced centres', () => {
    const weights = gaussian(400);
    const centres = clusterCentres([weights.subarray(0, 150), weights.subarray(150)], 6);
    expect(largestDifference(centres, lloyd(weights, 6, 300))).toBeLessThan(1e-5);
  });

  it('is never worse after a round', () => {
    const weights = gaussian(300);
    let last = Infinity;
    for (let rounds = 0; rounds < 12; rounds++) {
      const now = objective(weights, lloyd(weights, 5, rounds));
      expect(now).toBeLessThanOrEqual(last + 1e-9);
      last = now;
    }
    expect(objective(weights, clusterCentres([weights], 5))).toBeLessThanOrEqual(last + 1e-6);
  });

  it('is exact where there are no more values than clusters, and keeps a centre without values', () => {
    const weights = Float32Array.of(-1, 0.5, 0.5, 3, -1);
    const centres = clusterCentres([weights], 5);
    expect(centres).toEqual(Float32Array.of(-1, 0.5, 1, 2, 3));
    expect([...codesOf(weights, centres)]).toEqual([0, 1, 1, 4, 0]);
    expect(clusterCentres([Float32Array.of(2, 2)], 3)).toEqual(Float32Array.of(2, 2, 2));
  });
});

describe.each(tinyModels.map((model) => [model.id, model] as const))('weight-clustering on %s', (_, model) => {
  it.each(['matrix', 'layer', 'model'] as const)(
    'computes with the nearest of the values shared by each %s',
    async (share) => {
      const clusters = 16;
      const compressed = await compress(model, { clusters, share });
      const keyOf = (role: string) => ({ matrix: role, layer: role.split('.')[1], model: 'all' })[share];
      let expected = model;
      const tables = new Set<string | undefined>();
      for (const linear of model.linears) {
        tables.add(keyOf(linear.role));
        const sharing = model.linears.filter(({ role }) => keyOf(role) === keyOf(linear.role));
        const centres = clusterCentres(
          sharing.map((other) => model.weight(other)),
          clusters,
        );
        const nearest = model.weight(linear).map((value) => {
          const distances = [...centres].map((centre) => Math.abs(value - centre));
          return centres[distances.indexOf(Math.min(...distances))] as number;
        });
        expected = expected.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], nearest));
      }
      expect(largestDifference(await logitsOf(compressed, rows), await logitsOf(expected, rows))).toBeLessThan(1e-5);
      const books = [...compressed.onnx.graph.initializers.keys()].filter((name) => name.endsWith('.book'));
      expect(books).toHaveLength(tables.size);
    },
  );
});

describe('weight-clustering', () => {
  it('stores up to 16 values in half a byte each, up to 256 in one byte', async () => {
    const model = tinyGpt();
    const count = model.linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0);
    const saved = async (clusters: number) =>
      writeModel(model.onnx).byteLength -
      writeModel((await compress(model, { clusters, share: 'model' })).onnx).byteLength;
    const [four, eight] = [await saved(16), await saved(256)];
    expect(four - eight).toBeGreaterThan(0.49 * count);
    // Of four bytes three and a half, or three, less the tables and two nodes for each matrix.
    expect(four).toBeGreaterThan(3.5 * count - 400 * model.linears.length);
    expect(four).toBeLessThan(3.5 * count);
  });

  it('also clusters the embedding on request, for look-up and tied logits, with its own table', async () => {
    const model = tinyLlama();
    const compressed = await compress(model, { clusters: 16, embedding: true });
    const { graph } = compressed.onnx;
    expect([...embeddingWeights(graph, { tied: true })].sort()).toEqual([
      'embedding.weight.book',
      'embedding.weight.codes',
    ]);
    expect(graph.initializers.has('embedding.weight')).toBe(false);
    const book = elements(graph.initializers.get('embedding.weight.book') as never, 'float32');
    const table = elements(model.onnx.graph.initializers.get('embedding.weight') as never, 'float32');
    expect(book).toEqual(clusterCentres([table], 16));
  });
});
