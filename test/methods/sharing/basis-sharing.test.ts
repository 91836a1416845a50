import { describe, expect, it } from 'vitest';
import { secondMoments } from '../../../engine/calibrate/second-moments.ts';
import type { LinearRole } from '../../../engine/definitions/model.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { multiply } from '../../../numerics/tensor/linear-algebra.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elementCount, tensorOf } from '../../../numerics/tensor/tensor.ts';
import svdWhitened from '../../../methods/low-rank/svd-whitened.ts';
import basisSharing, { groupsOf, shareBasis } from '../../../methods/sharing/basis-sharing.ts';
import { truncateWhitened } from '../../../methods/shared/solvers/truncate-whitened.ts';
import { effectiveWeight } from '../../support/effective-weight.ts';
import { layerError, layerProblem } from '../../support/layer-problem.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { largestDifference } from '../../support/run-model.ts';
import { tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

const shape = { inFeatures: 18, outFeatures: 12 };
const problems = [1, 2, 3].map((seed) => layerProblem({ ...shape, seed: `layer ${seed}` }));
const members = problems.map(({ weight, moment }, index) => ({
  linear: { ...shape, weight: `layers.${index}.q.weight` } as LinearRole,
  weight,
  secondMoment: moment,
}));
const stacked = problems.reduce(
  (sum, { moment }) => sum.map((value, at) => value + moment[at]!),
  new Float64Array(324),
);

function product(down: Float32Array, up: Float32Array, rank: number): Float32Array {
  const [left, right] = [Float64Array.from(down), Float64Array.from(up)];
  return Float32Array.from(multiply({ left, right, rows: 18, inner: rank, columns: 12 }));
}

describe('shareBasis', () => {
  it('has an output error on the stacked inputs of exactly the truncated singular values', async () => {
    for (const rank of [2, 7, 13]) {
      const { factored, lost } = await shareBasis(members, { rank, damping: 0 });
      const missed = factored.reduce((sum, { factors: { down, up } }, index) => {
        return sum + layerError({ ...problems[index]!, moment: stacked }, product(down, up, rank));
      }, 0);
      expect(lost).toBeGreaterThan(0);
      expect(missed / lost).toBeCloseTo(1, 4);
    }
  });

  it('is exact at full rank, with one basis for all', async () => {
    const { factored, lost } = await shareBasis(members, { rank: 18, damping: 0 });
    expect(lost).toBe(0);
    for (const [index, { factors, basis }] of factored.entries()) {
      expect(factors.down).toBe(factored[0]?.factors.down);
      expect(basis).toBe('layers.0.q.weight.basis');
      expect(largestDifference(product(factors.down, factors.up, 18), members[index]?.weight ?? [])).toBeLessThan(1e-4);
    }
  });

  it('of equal layers costs one basis and nothing else', async () => {
    const twins = [members[0], members[0]] as typeof members;
    const { lost } = await shareBasis(twins, { rank: 5, damping: 0 });
    const alone = await truncateWhitened({ ...twins[0], shape, damping: 0, rank: 5 } as never);
    // Both miss as much as one alone, over inputs that are there twice.
    expect(lost / (4 * alone.lost)).toBeCloseTo(1, 6);
  });
});

describe('groupsOf', () => {
  it('groups neighbours of a kind, except layers that write to the residual stream', () => {
    const model = tinyLlama({ layers: 5 });
    const roles = (options: Parameters<typeof groupsOf>[1]) =>
      groupsOf(model, options).map((group) => group.map(({ role }) => role).join());
    const paper = roles({ layers: 2, share: 'readers' });
    expect(paper).toContain('layers.0.q,layers.1.q');
    expect(paper).toContain('layers.2.gate,layers.3.gate');
    expect(paper).toContain('layers.4.up');
    expect(paper).toContain('layers.1.down');
    expect(paper).not.toContain('layers.0.down,layers.1.down');
    expect(roles({ layers: 5, share: 'all' })).toHaveLength(7);
    expect(roles({ layers: 5, share: 'all' })).toContain('layers.0.o,layers.1.o,layers.2.o,layers.3.o,layers.4.o');
  });
});

describe('basis-sharing', () => {
  const compress = async (model: ReturnType<typeof tinyGpt>, params: object, method = basisSharing) => {
    const { context } = methodContext({ method, variant: '', params: params as Record<string, unknown>, model });
    return method.compress(model, context);
  };

  it('equals svd-whitened where no layers share', async () => {
    const model = tinyGpt();
    const [alone, whitened] = [
      await compress(model, { keep: 0.5, layers: 1 }),
      await compress(model, { keep: 0.5 }, svdWhitened),
    ];
    for (const linear of model.linears) {
      expect(largestDifference(effectiveWeight(alone, linear), effectiveWeight(whitened, linear))).toBeLessThan(1e-6);
    }
  });

  it('stores a basis once, within the share, and the file shrinks accordingly', async () => {
    const model = tinyLlama({ layers: 4 });
    const compressed = await compress(model, { keep: 0.5, layers: 4, share: 'all' });
    const { initializers, nodes } = compressed.onnx.graph;
    const bases = [...initializers.keys()].filter((name) => name.endsWith('.basis'));
    expect(bases).toHaveLength(7);
    for (const basis of bases) expect(nodes.filter(({ inputs }) => inputs.includes(basis))).toHaveLength(4);
    const names = model.linears.map(({ weight }) => `${weight}.up`);
    const taken = [...bases, ...names].reduce(
      (sum, name) => sum + elementCount(initializers.get(name)?.dims ?? [Infinity]),
      0,
    );
    const whole = model.linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0);
    expect(taken).toBeLessThanOrEqual(0.5 * whole);
    expect(taken).toBeGreaterThan(0.42 * whole);
    const saved = writeModel(model.onnx).byteLength - writeModel(compressed.onnx).byteLength;
    // Twice as many nodes take some bytes too.
    expect(saved).toBeGreaterThan(4 * (whole - taken) - 200 * model.linears.length);
  });

  it('of layers with equal weights is more exact than separate factors', async () => {
    const random = createRandom('twins');
    let model = tinyGpt();
    const [first, second] = model.roles.layers as [
      (typeof model.roles.layers)[number],
      (typeof model.roles.layers)[number],
    ];
    for (const kind of ['q', 'k', 'v', 'up'] as const) {
      const { inFeatures, outFeatures } = first[kind];
      const weight = Float32Array.from(
        { length: inFeatures * outFeatures },
        () => random.normal() / Math.sqrt(inFeatures),
      );
      for (const linear of [first[kind], second[kind]]) {
        model = model.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], weight));
      }
    }
    const { examples } = randomExamples(model, 'calibration/0');
    const moments = await secondMoments({ model, examples });
    const [shared, apart] = [await compress(model, { keep: 0.5 }), await compress(model, { keep: 0.5, layers: 1 })];
    for (const kind of ['q', 'k', 'v', 'up'] as const) {
      const missed = (other: typeof model) =>
        [first[kind], second[kind]].reduce((sum, linear) => {
          const moment = moments.get(linear.role)?.sum as Float64Array;
          return sum + layerError({ ...linear, weight: model.weight(linear), moment }, effectiveWeight(other, linear));
        }, 0);
      expect(missed(shared)).toBeLessThan(missed(apart));
    }
  });
});
