import { describe, expect, it } from 'vitest';
import { outputMoments, reconstructionMoments, residualAfter } from '../../../engine/calibrate/reconstruction.ts';
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { captureValues } from '../../../engine/runtime/capture.ts';
import { solvePositiveDefinite } from '../../../numerics/tensor/linear-algebra.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { biasOf, countUnits, keepUnits } from '../../../methods/shared/surgery/structure.ts';
import { randomExamples } from '../../support/method-context.ts';
import { tinyModels } from '../../support/tiny-model.ts';

/** Rows of a value over all examples, [positions][features]. */
async function rowsOf(model: Model, value: string, features: number): Promise<readonly Float32Array[]> {
  const rows: Float32Array[] = [];
  await captureValues({
    model: model.onnx,
    values: [value],
    examples: randomExamples(model, 'reconstruction', { count: 3 }).examples,
    visit(captured) {
      const flat = elements(captured[value]!, 'float32');
      for (let at = 0; at < flat.length; at += features) rows.push(flat.slice(at, at + features));
    },
  });
  return rows;
}

describe.each(tinyModels.map((model) => [model.id, model] as const))('reconstruction on %s', (_, dense) => {
  const { examples } = randomExamples(dense, 'reconstruction', { count: 3 });
  const compressed = keepUnits(
    dense,
    countUnits(dense).map(() => ({ heads: [0], neurons: Array.from({ length: 20 }, (_, at) => at) })),
  );

  it.each(['o', 'down'] as const)('sums the input and target of a projection: %s', async (part) => {
    for (const layer of [0, 1]) {
      const linear = {
        dense: dense.roles.layers[layer]?.[part] as LinearRole,
        compressed: compressed.roles.layers[layer]?.[part] as LinearRole,
      };
      const { moment, cross } = await reconstructionMoments({ dense, compressed, linear, examples });
      const { inFeatures, bias } = linear.compressed;
      const x = await rowsOf(compressed, linear.compressed.input, inFeatures);
      const there = await rowsOf(dense, residualAfter(dense, linear.dense).sum, 32);
      const here = await rowsOf(compressed, residualAfter(compressed, linear.compressed).skip, 32);
      const offset = bias === undefined ? new Float32Array(32) : biasOf(compressed, linear.compressed);
      const at = (row: number, column: number) =>
        (there[row]?.[column] as number) - (here[row]?.[column] as number) - (offset[column] as number);
      const sum = (term: (row: number) => number) => x.reduce((total, _, row) => total + term(row), 0);
      for (const [i, j] of [
        [0, 0],
        [3, 5],
        [inFeatures - 1, 2],
      ] as const) {
        const xx = sum((row) => (x[row]?.[i] as number) * (x[row]?.[j] as number));
        const xt = sum((row) => (x[row]?.[i] as number) * at(row, j));
        expect(moment[i * inFeatures + j]).toBeCloseTo(xx, 4);
        expect(cross[i * 32 + j]).toBeCloseTo(xt, 4);
      }
    }
  });

  it('sums the inputs and the dense outputs of layers: q, v', async () => {
    // All heads stay, so that shapes are those of dense; the first layer has fewer neurons.
    const whole = keepUnits(
      dense,
      countUnits(dense).map(({ heads, neurons }, layer) => ({
        heads: Array.from({ length: heads }, (_, at) => at),
        neurons: Array.from({ length: layer === 0 ? 20 : neurons }, (_, at) => at),
      })),
    );
    const linears = (['q', 'v'] as const).map((part) => ({
      dense: dense.roles.layers[1]?.[part] as LinearRole,
      compressed: whole.roles.layers[1]?.[part] as LinearRole,
    }));
    const found = await outputMoments({ dense, compressed: whole, linears, examples });
    expect(found[0]?.moment).toBe(found[1]?.moment);
    for (const [index, linear] of linears.entries()) {
      const { inFeatures, outFeatures, output } = linear.dense;
      const x = await rowsOf(whole, linear.compressed.input, inFeatures);
      const t = await rowsOf(dense, output, outFeatures);
      const sum = (term: (row: number) => number) => x.reduce((total, _, row) => total + term(row), 0);
      const { moment = [], cross = [] } = found[index] ?? {};
      for (const [i, j] of [
        [0, 0],
        [3, 5],
        [31, outFeatures - 1],
      ] as const) {
        const xx = sum((row) => (x[row]?.[i] as number) * (x[row]?.[j] as number));
        const xt = sum((row) => (x[row]?.[i] as number) * (t[row]?.[j] as number));
        expect(moment[i * inFeatures + j]).toBeCloseTo(xx, 4);
        expect(cross[i * outFeatures + j]).toBeCloseTo(xt, 4);
      }
    }
  });

  it('gives a residual stream nearer to dense', async () => {
    const linear = dense.roles.layers[0]?.down as LinearRole;
    const cut = compressed.roles.layers[0]?.down as LinearRole;
    const moments = await reconstructionMoments({
      dense,
      compressed,
      linear: { dense: linear, compressed: cut },
      examples,
    });
    const a = moments.moment.map((value, at) => value + (at % 21 === 0 ? 1e-3 : 0));
    const weight = solvePositiveDefinite({ a, size: 20, right: moments.cross, columns: 32 });
    const rebuilt = compressed.withWeight(cut, tensorOf('float32', [20, 32], Float32Array.from(weight)));
    const value = residualAfter(dense, linear).sum;
    const target = await rowsOf(dense, value, 32);
    const distance = async (model: Model) => {
      const rows = await rowsOf(model, residualAfter(model, cut).sum, 32);
      return rows.reduce(
        (all, row, at) => all + row.reduce((s, x, i) => s + (x - (target[at]?.[i] as number)) ** 2, 0),
        0,
      );
    };
    expect(await distance(rebuilt)).toBeLessThan(0.8 * (await distance(compressed)));
  });
});

describe('residualAfter', () => {
  it('refuses a projection whose output does not reach the stream', () => {
    for (const model of tinyModels)
      expect(() => residualAfter(model, model.linears[0] as LinearRole)).toThrow(UnsupportedError);
  });
});
