import { describe, expect, it } from 'vitest';
import { activationNorms } from '../../../engine/calibrate/activation-norms.ts';
import { createCalibrationLoss } from '../../../engine/calibrate/calibration-loss.ts';
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { LinearRole } from '../../../engine/definitions/model.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elementCount, tensorOf } from '../../../numerics/tensor/tensor.ts';
import asvd, { channelScales, chooseRanks, tryRanks } from '../../../methods/low-rank/asvd.ts';
import svd from '../../../methods/low-rank/svd.ts';
import { factorNames, rankFor, scaledSvd } from '../../../methods/shared/solvers/low-rank.ts';
import { effectiveWeight } from '../../support/effective-weight.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { largestDifference } from '../../support/run-model.ts';
import { tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

/** Share of the parameters of all linear layers that the compressed model has in their place. */
function keptShare(model: ReturnType<typeof tinyGpt>, compressed: typeof model): number {
  const { initializers } = compressed.onnx.graph;
  const size = (name: string) => elementCount(initializers.get(name)?.dims ?? [0]);
  const [kept, whole] = [
    model.linears
      .flatMap((linear) => [linear.weight, ...factorNames(linear)])
      .reduce((sum, name) => sum + size(name), 0),
    model.linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0),
  ];
  return kept / whole;
}

const layer = (role: string, inFeatures: number, outFeatures: number) =>
  ({ role, inFeatures, outFeatures }) as unknown as LinearRole;

describe('channelScales', () => {
  it('is the mean activation to the power α, and never zero', () => {
    const scales = channelScales({ meanAbsolute: Float64Array.of(4, 0.25, 0) }, 0.5);
    expect(scales[0]).toBeCloseTo(2, 5);
    expect(scales[1]).toBeCloseTo(0.5, 5);
    expect(scales[2]).toBeGreaterThan(0);
  });
});

describe('chooseRanks', () => {
  const [a, b] = [layer('a', 10, 10), layer('b', 10, 10)];
  const trials = [
    { linear: a, rank: 1, loss: 3 },
    { linear: a, rank: 4, loss: 1.2 },
    { linear: b, rank: 1, loss: 1.1 },
    { linear: b, rank: 4, loss: 1 },
  ];
  const choose = (keep: number) => chooseRanks({ id: 'two layers', linears: [a, b], trials, keep });

  it('truncates where the loss is lowest, up to one common threshold', () => {
    // b at rank 4: 100 + 80 of 200; b at rank 1: 100 + 20; a at rank 4 beside it: 80 + 20; a at rank 1: 20 + 20.
    expect(choose(0.9)).toEqual(new Map([[b, 4]]));
    expect(choose(0.6)).toEqual(new Map([[b, 1]]));
    expect(choose(0.5)).toEqual(
      new Map([
        [b, 1],
        [a, 4],
      ]),
    );
    expect(choose(0.2)).toEqual(
      new Map([
        [b, 1],
        [a, 1],
      ]),
    );
  });

  it('truncates nothing where nothing need be, and refuses what it cannot reach', () => {
    expect(choose(1).size).toBe(0);
    expect(() => choose(0.19)).toThrow(UnsupportedError);
    expect(() => choose(0.19)).toThrow('20.0 %');
  });

  it('uses the lower rank where a higher one has the higher loss', () => {
    const uneven = [
      { linear: a, rank: 2, loss: 1 },
      { linear: a, rank: 5, loss: 2 },
      { linear: b, rank: 1, loss: 3 },
    ];
    expect(chooseRanks({ id: 'x', linears: [a, b], trials: uneven, keep: 0.4 })).toEqual(
      new Map([
        [a, 2],
        [b, 1],
      ]),
    );
  });
});

describe('asvd', () => {
  const model = tinyGpt();
  const compress = (params: object, from = model) => {
    const made = methodContext({ method: asvd, variant: '', params: params as Record<string, unknown>, model: from });
    return Promise.resolve(asvd.compress(from, made.context)).then((compressed) => ({ ...made, compressed }));
  };

  it('equals plain SVD at α = 0 with equal shares', async () => {
    const { compressed } = await compress({ keep: 0.5, alpha: 0, ranks: 'uniform' });
    const plain = await svd.compress(model, methodContext({ method: svd, variant: 'p50', model }).context);
    for (const linear of model.linears) {
      expect(largestDifference(effectiveWeight(compressed, linear), effectiveWeight(plain, linear))).toBeLessThan(1e-5);
    }
  });

  it('has smaller weight errors than plain SVD where activations are large', async () => {
    const { compressed } = await compress({ keep: 0.25, alpha: 1, ranks: 'uniform' });
    const plain = await svd.compress(model, methodContext({ method: svd, variant: 'p25', model }).context);
    const norms = await activationNorms({ model, examples: randomExamples(model, 'calibration/0').examples });
    for (const linear of model.linears) {
      const weight = model.weight(linear);
      const { meanAbsolute = new Float64Array() } = norms.get(linear.role) ?? {};
      const error = (other: Float32Array) =>
        other.reduce((sum, value, at) => {
          const difference = (value - weight[at]!) * meanAbsolute[Math.floor(at / linear.outFeatures)]!;
          return sum + difference * difference;
        }, 0);
      expect(error(effectiveWeight(compressed, linear))).toBeLessThan(error(effectiveWeight(plain, linear)));
    }
  });

  it.each([0.9, 0.5, 0.25])('keeps no more than %s of the parameters, by layers of different ranks', async (keep) => {
    for (const from of [model, tinyLlama()]) {
      const { compressed } = await compress({ keep }, from);
      expect(keptShare(from, compressed)).toBeLessThanOrEqual(keep);
      expect(keptShare(from, compressed)).toBeGreaterThan(0.75 * keep);
    }
  });

  it('notes the layers that stay dense', async () => {
    const { notes } = await compress({ keep: 0.97 });
    expect(notes.join()).toMatch(/^left whole: layers\.\d/);
  });
});

describe('tryRanks', () => {
  it('finds no loss for a layer of rank one, and some for others', async () => {
    const model = tinyGpt();
    const { up, q } = model.roles.layers[1] as (typeof model.roles.layers)[number];
    const random = createRandom('rank one');
    const [left, right] = [up.inFeatures, up.outFeatures].map((length) =>
      Float32Array.from({ length }, () => random.normal() / 2),
    );
    const outer = Float32Array.from({ length: up.inFeatures * up.outFeatures }, (_, at) => {
      return (left?.[Math.floor(at / up.outFeatures)] as number) * (right?.[at % up.outFeatures] as number);
    });
    const simple = model.withWeight(up, tensorOf('float32', [up.inFeatures, up.outFeatures], outer));
    const { examples } = randomExamples(model, 'calibration/0');
    const loss = await createCalibrationLoss({ model: simple, examples });
    const whole = await loss.measure();
    await loss.release();
    const { signal } = new AbortController();
    for (const [linear, exact] of [
      [up, true],
      [q, false],
    ] as const) {
      const scales = new Float64Array(linear.inFeatures).fill(1);
      const layer = { linear, svd: await scaledSvd(simple.weight(linear), linear, scales) };
      const trials = await tryRanks({ model: simple, layer, examples, signal });
      const [least] = trials;
      expect(least?.rank).toBe(rankFor(linear, 0.1));
      expect(new Set(trials.map(({ rank }) => rank)).size).toBe(trials.length);
      const furthest = Math.max(...trials.map((trial) => Math.abs(trial.loss - whole)));
      if (exact) expect(furthest).toBeLessThan(1e-5);
      else expect(furthest).toBeGreaterThan(1e-3);
    }
  });
});
