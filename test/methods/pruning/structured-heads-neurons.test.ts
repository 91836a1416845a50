import { describe, expect, it } from 'vitest';
import { reconstructionMoments } from '../../../engine/calibrate/reconstruction.ts';
import type { LinearRole } from '../../../engine/definitions/model.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import structuredHeadsNeurons, { rearranged, tuned } from '../../../methods/pruning/structured-heads-neurons.ts';
import { countUnits } from '../../../methods/shared/surgery/structure.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { logitsOf } from '../../support/run-model.ts';
import { tinyModels } from '../../support/tiny-model.ts';

const random = createRandom('structured');
const draw = (length: number) => Float64Array.from({ length }, () => random.normal());

describe('rearranged', () => {
  const [units, examples] = [7, 5];
  const objective = (gradients: Float64Array, kept: readonly number[]) => {
    let total = 0;
    for (let row = 0; row < examples; row++) {
      let sum = 0;
      for (let unit = 0; unit < units; unit++) if (!kept.includes(unit)) sum += gradients[row * units + unit] as number;
      total += sum ** 2;
    }
    return total;
  };

  it('is never worse than removing the smallest gradients, and often optimal', () => {
    let optimal = 0;
    for (let attempt = 0; attempt < 50; attempt++) {
      const gradients = draw(units * examples);
      const squares = Array.from({ length: units }, (_, unit) =>
        Array.from({ length: examples }, (_, row) => (gradients[row * units + unit] as number) ** 2).reduce(
          (a, b) => a + b,
        ),
      );
      const order = squares.map((_, unit) => unit).sort((a, b) => (squares[b] as number) - (squares[a] as number));
      const kept = rearranged(gradients, { units, keep: 4 });
      expect(kept).toHaveLength(4);
      expect(kept).toEqual([...kept].sort());
      const found = objective(gradients, kept);
      expect(found).toBeLessThanOrEqual(objective(gradients, order.slice(0, 4)) + 1e-12);
      const all = Array.from({ length: 2 ** units }, (_, bits) =>
        [...Array(units).keys()].filter((at) => (bits >> at) & 1),
      );
      const best = Math.min(...all.filter((set) => set.length === 4).map((set) => objective(gradients, set)));
      if (found <= best + 1e-12) optimal++;
    }
    expect(optimal).toBeGreaterThan(15);
  });

  it('removes two units that cancel each other, although one is the largest', () => {
    const gradients = Float64Array.of(1, 1.1, -1.2, 1, 1.1, -1.2);
    expect(rearranged(gradients, { units: 3, keep: 1 })).toEqual([0]);
  });

  it('keeps all units where all may be kept', () => {
    expect(rearranged(draw(12), { units: 4, keep: 4 })).toEqual([0, 1, 2, 3]);
  });
});

describe('tuned', () => {
  /** Σ ‖x (m ∘ W) − t‖² over rows. */
  function problem(inFeatures: number, outFeatures: number, rows: number) {
    const [x, t] = [draw(rows * inFeatures), draw(rows * outFeatures)];
    const weight = Float32Array.from(draw(inFeatures * outFeatures));
    const product = (a: Float64Array, b: Float64Array, columnsA: number, columnsB: number) =>
      Float64Array.from({ length: columnsA * columnsB }, (_, at) => {
        const [i, j] = [Math.floor(at / columnsB), at % columnsB];
        let sum = 0;
        for (let row = 0; row < rows; row++)
          sum += (a[row * columnsA + i] as number) * (b[row * columnsB + j] as number);
        return sum;
      });
    const error = (of: Float32Array) => {
      let sum = 0;
      for (let row = 0; row < rows; row++) {
        for (let out = 0; out < outFeatures; out++) {
          let value = -(t[row * outFeatures + out] as number);
          for (let i = 0; i < inFeatures; i++)
            value += (x[row * inFeatures + i] as number) * (of[i * outFeatures + out] as number);
          sum += value ** 2;
        }
      }
      return sum;
    };
    const moments = { moment: product(x, x, inFeatures, inFeatures), cross: product(x, t, inFeatures, outFeatures) };
    return { weight, error, ...moments, inFeatures, outFeatures };
  }

  it.each([1, 2])('finds the masks of least error for units of %i features', async (width) => {
    const { weight, error, ...moments } = problem(6, 4, 30);
    const found = await tuned(weight, { ...moments, width });
    const masks = Array.from({ length: 6 / width }, (_, unit) => {
      const at = unit * width * 4;
      return (found[at] as number) / (weight[at] as number);
    });
    const scaled = (of: readonly number[]) =>
      weight.map((value, at) => value * (of[Math.floor(at / 4 / width)] as number));
    expect(error(found)).toBeLessThan(error(weight));
    // Whatever mask is moved, the error grows, but for what holding them near 1 costs.
    for (const unit of masks.keys()) {
      for (const by of [0.05, -0.05]) {
        const moved = masks.with(unit, (masks[unit] as number) + by);
        expect(error(scaled(moved))).toBeGreaterThan(error(found));
      }
    }
  });

  it('keeps masks at 1 where there is no data', async () => {
    const { weight, inFeatures, outFeatures } = problem(6, 4, 30);
    const nothing = { moment: new Float64Array(36), cross: new Float64Array(24) };
    expect(await tuned(weight, { ...nothing, inFeatures, outFeatures, width: 2 })).toEqual(weight);
  });
});

describe.each(tinyModels.map((model) => [model.id, model] as const))('structured-heads-neurons on %s', (_, model) => {
  const calibration = randomExamples(model, 'structured', { count: 8 });
  const compress = async (params: Record<string, unknown>) => {
    const { context, notes } = methodContext({
      method: structuredHeadsNeurons,
      variant: '',
      params,
      model,
      calibration,
    });
    return { pruned: await structuredHeadsNeurons.compress(model, context), notes };
  };

  it('keeps the reported number of units, and tuning changes only output projections', async () => {
    const [untuned, whole] = [await compress({ keep: 0.6, tuning: false }), await compress({ keep: 0.6 })];
    expect(whole.notes).toEqual(untuned.notes);
    const counts = countUnits(whole.pruned).map(({ heads, neurons }) => `${heads}/${neurons}`);
    expect(whole.notes[0]).toContain(counts.join(', '));
    for (const { q, k, v, up, o, down } of whole.pruned.roles.layers) {
      for (const linear of [q, k, v, up]) expect(whole.pruned.weight(linear)).toEqual(untuned.pruned.weight(linear));
      for (const linear of [o, down]) {
        const ratios = whole.pruned
          .weight(linear)
          .map((value, at) => value / (untuned.pruned.weight(linear)[at] as number));
        for (let row = 0; row < linear.inFeatures; row++)
          expect(Math.abs((ratios[row * 32] as number) - (ratios[row * 32 + 31] as number))).toBeLessThan(1e-5);
      }
    }
  });

  it('brings each layer’s output nearer to the original on the calibration data', async () => {
    const [untuned, whole] = [await compress({ keep: 0.5, tuning: false }), await compress({ keep: 0.5 })];
    const rows = calibration.examples.map(({ tokens }) => [...tokens]);
    const target = await logitsOf(model, rows);
    const distance = async ({ pruned }: typeof whole) => {
      const logits = await logitsOf(pruned, rows);
      return logits.reduce((sum, value, at) => sum + (value - (target[at] as number)) ** 2, 0);
    };
    expect(await distance(whole)).toBeLessThan(await distance(untuned));
  });

  it('gives the last layer the masks with the smallest error', async () => {
    const { pruned } = await compress({ keep: 0.5 });
    const [layer] = [...pruned.roles.layers.keys()].slice(-1) as [number];
    const linear = {
      dense: model.roles.layers[layer]?.down as LinearRole,
      compressed: pruned.roles.layers[layer]?.down as LinearRole,
    };
    const moments = await reconstructionMoments({
      dense: model,
      compressed: pruned,
      linear,
      examples: calibration.examples,
    });
    const again = await tuned(pruned.weight(linear.compressed), { ...linear.compressed, ...moments, width: 1 });
    const changes = again.map((value, at) => value / (pruned.weight(linear.compressed)[at] as number) - 1);
    // What is tuned already stays, but for what holding masks near 1 does once more.
    const mean = changes.reduce((sum, value) => sum + Math.abs(value), 0) / changes.length;
    expect(mean).toBeLessThan(0.05);
  });
});

describe('structured-heads-neurons', () => {
  it('selects other units by size and at random', async () => {
    const [, model] = tinyModels as [unknown, (typeof tinyModels)[number]];
    const kept = async (importance: string, seed = 0) => {
      const params = { keep: 0.5, importance, tuning: false };
      const { context } = methodContext({ method: structuredHeadsNeurons, variant: '', params, model, seed });
      const pruned = await structuredHeadsNeurons.compress(model, context);
      return pruned.linears.map((linear) => pruned.weight(linear).join()).join();
    };
    const all = await Promise.all(['fisher', 'activation', 'random'].map((importance) => kept(importance)));
    expect(new Set(all).size).toBe(3);
    expect(await kept('random', 1)).not.toBe(all[2]);
  });
});
