import { describe, expect, it } from 'vitest';
import { NumericalError } from '../../../../contracts/errors.ts';
import { byDescendingDiagonal, gptqLayer, type GptqOptions } from '../../../../methods/shared/solvers/gptq-layer.ts';
import { type Grid, codeOf, gridOfRange, valueOf } from '../../../../methods/shared/formats/grid.ts';
import { blockSizeOf, dequantizeWeight, quantizeWeight } from '../../../../methods/shared/formats/matmul-nbits.ts';
import { layerError, layerProblem, plainSweep, type LayerProblem } from '../../../support/layer-problem.ts';

const defaults = {
  bits: 4,
  symmetric: true,
  groupSize: 32,
  actOrder: false,
  damping: 0.01,
  where: 'the test',
} as const satisfies Partial<GptqOptions>;

type Options = Pick<GptqOptions, 'bits' | 'symmetric' | 'groupSize' | 'actOrder' | 'damping'>;

/** GPTQ by the textbook: plainSweep with the same grids. */
function reference(problem: LayerProblem, options: Options): Float64Array {
  const { inFeatures, outFeatures } = problem;
  const size = blockSizeOf(options.groupSize, inFeatures);
  const grids = new Map<number, Grid[]>();
  const fit = (group: number, weight: ArrayLike<number>) => {
    grids.set(
      group,
      Array.from({ length: outFeatures }, (_, out) => {
        const values: number[] = [];
        for (let i = group * size; i < Math.min((group + 1) * size, inFeatures); i++) {
          values.push(Math.fround(weight[i * outFeatures + out]!));
        }
        return gridOfRange(Math.min(...values), Math.max(...values), options);
      }),
    );
  };
  const order = options.actOrder ? byDescendingDiagonal(problem.moment, inFeatures) : undefined;
  if (order) for (let group = 0; group * size < inFeatures; group++) fit(group, problem.weight);
  return plainSweep(problem, {
    damping: options.damping,
    ...(order && { order }),
    settle(feature, weight) {
      if (!order && feature % size === 0) fit(feature / size, weight);
      const grid = grids.get(Math.floor(feature / size)) as Grid[];
      return grid.map((g, out) => valueOf(g, codeOf(g, Math.fround(weight[feature * outFeatures + out]!))));
    },
  });
}

/** The same where masked weights are settled to zero whatever has been pushed onto them. */
function plainSweepMasked(problem: LayerProblem, mask: Uint8Array): Float64Array {
  const { outFeatures, inFeatures } = problem;
  let grids: Grid[] = [];
  return plainSweep(problem, {
    damping: defaults.damping,
    settle(feature, weight) {
      if (feature % 32 === 0) {
        grids = Array.from({ length: outFeatures }, (_, out) => {
          const values: number[] = [];
          for (let i = feature; i < Math.min(feature + 32, inFeatures); i++) {
            values.push(Math.fround(weight[i * outFeatures + out]!));
          }
          return gridOfRange(Math.min(...values), Math.max(...values), defaults);
        });
      }
      return grids.map((grid, out) => {
        const at = feature * outFeatures + out;
        return mask[at] === 0 ? 0 : valueOf(grid, codeOf(grid, Math.fround(weight[at]!)));
      });
    },
  });
}

function rtn(problem: LayerProblem, options: Options): Float32Array {
  return dequantizeWeight(quantizeWeight(problem.weight, { ...problem, ...options }));
}

describe('gptqLayer', () => {
  const problem = layerProblem({ inFeatures: 86, outFeatures: 40 });

  it.each<Partial<Options>>([
    {},
    { symmetric: false },
    { groupSize: 16 },
    { groupSize: 64 },
    { groupSize: 'channel' },
    { bits: 2, groupSize: 16, symmetric: false },
    { bits: 3, groupSize: 16 },
    { bits: 8 },
    { actOrder: true },
    { actOrder: true, groupSize: 'channel', bits: 2 },
  ])('agrees with a step-by-step update of the inverse moment: %o', async (change) => {
    const options = { ...defaults, ...change };
    const quantized = dequantizeWeight(await gptqLayer({ ...problem, ...options }));
    const expected = reference(problem, options);
    let different = 0;
    quantized.forEach((value, at) => {
      if (Math.abs(value - expected[at]!) > 1e-6) different++;
    });
    expect(different).toBe(0);
  });

  it('sets the weights of dead inputs to zero, as the reference does', async () => {
    const holed = layerProblem({ inFeatures: 40, outFeatures: 8, dead: [3, 17] });
    const quantized = dequantizeWeight(await gptqLayer({ ...holed, ...defaults }));
    for (const i of [3, 17])
      expect([...quantized.subarray(i * 8, (i + 1) * 8)].map(Math.abs)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    reference(holed, defaults).forEach((value, at) => expect(quantized[at]).toBeCloseTo(value, 6));
  });

  it('keeps zeros zero under a mask, and compensates for them', async () => {
    const mask = Uint8Array.from(problem.weight, (_, at) => (at % 5 < 2 ? 0 : 1));
    const sparse = { ...problem, weight: problem.weight.map((value, at) => value * (mask[at] as number)) };
    const masked = dequantizeWeight(await gptqLayer({ ...sparse, ...defaults, mask }));
    const expected = plainSweepMasked(sparse, mask);
    masked.forEach((value, at) => {
      if (mask[at] === 0) expect(Math.abs(value)).toBe(0);
      expect(Math.abs(value - (expected[at] as number))).toBeLessThan(1e-6);
    });
    const nearest = rtn(sparse, defaults);
    expect(layerError(sparse, masked)).toBeLessThan(0.95 * layerError(sparse, nearest));
  });

  it('has a smaller output error than rounding to nearest', async () => {
    for (const bits of [2, 4] as const) {
      for (const actOrder of [false, true]) {
        for (const groupSize of [16, 32, 'channel'] as const) {
          const options = { ...defaults, bits, actOrder, groupSize };
          const ours = layerError(problem, dequantizeWeight(await gptqLayer({ ...problem, ...options })));
          expect(ours).toBeLessThan(0.8 * layerError(problem, rtn(problem, options)));
        }
      }
    }
  });

  it('names a layer with too little calibration data', async () => {
    const moment = new Float64Array(problem.moment.length).fill(-1);
    await expect(gptqLayer({ ...problem, ...defaults, moment })).rejects.toBeInstanceOf(NumericalError);
    await expect(gptqLayer({ ...problem, ...defaults, moment })).rejects.toThrow('inputs of the test [86, 86]');
  });
});

describe('a group of subnormal weights', () => {
  it.each([true, false])('keeps the rest of its channel unchanged (symmetric: %s)', async (symmetric) => {
    const problem = layerProblem({ seed: 'subnormal', inFeatures: 64, outFeatures: 8 });
    const tiny = problem.weight.slice();
    // The first weight is zero: 0 · Infinity must not enter the sweep.
    for (let i = 0; i < 32; i++) tiny[i * 8] = 1e-38 * (i / 32);
    const quantized = await gptqLayer({ ...problem, ...defaults, weight: tiny, symmetric });
    const restored = dequantizeWeight(quantized);
    for (let i = 0; i < 64; i++) {
      if (i < 32) expect(Math.abs(restored[i * 8]!)).toBeLessThan(1e-37);
      else expect(Math.abs(restored[i * 8]! - tiny[i * 8]!)).toBeLessThan(2);
    }
    const zeroed = tiny.map((value, at) => (at % 8 === 0 && at < 256 ? 0 : value));
    const expected = await gptqLayer({ ...problem, ...defaults, weight: zeroed, symmetric });
    for (let i = 32; i < 64; i++) expect(restored[i * 8]).toBe(dequantizeWeight(expected)[i * 8]);
  });
});
