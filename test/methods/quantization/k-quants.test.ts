import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import method, { superBlocks } from '../../../methods/quantization/k-quants.ts';
import { dequantizeWeight } from '../../../methods/shared/formats/matmul-nbits.ts';
import { blocksTogether } from '../../../methods/shared/formats/super-blocks.ts';
import { inputStatistics, positionCount } from '../../../engine/calibrate/input-statistics.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { methodContext } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt } from '../../support/tiny-model.ts';

type Format = 'q4' | 'q3' | 'q2';
const golden = JSON.parse(readFileSync(new URL('../../golden/k-quants.json', import.meta.url), 'utf8')) as readonly {
  readonly format: Format;
  readonly weight: string;
}[];

/** As test/golden/scripts/k-quants.py makes them, but [in, out]. */
const uniform = (i: number, seed: number) => 2 * (((i * (i + 3 + seed) * 7919 + seed * 104729) % 10007) / 10007) - 1;
const [outFeatures, inFeatures] = [6, 512];
const weight = Float32Array.from(
  { length: inFeatures * outFeatures },
  (_, at) => uniform((at % outFeatures) * inFeatures + Math.floor(at / outFeatures), 1) ** 3,
);
const importance = Float64Array.from({ length: inFeatures }, (_, i) => Math.fround((1 + uniform(i, 2)) ** 2 + 1 / 64));

const weightedError = (rounded: ArrayLike<number>) =>
  weight.reduce((sum, value, at) => sum + importance[Math.floor(at / outFeatures)]! * (value - rounded[at]!) ** 2, 0);

/** A fifth of a step between codes; 3 bits are searched without minima and agree to the last bit of the factor. */
const TOLERANCE = { q4: 0.025, q3: 1e-5, q2: 0.12 } as const;

describe('superBlocks', () => {
  it.each(golden)('equals the weights of ggml: $format', ({ format, weight: base64 }) => {
    const rows = new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer); // [out, in]
    const expected = weight.map((_, at) => rows[(at % outFeatures) * inFeatures + Math.floor(at / outFeatures)]!);
    const found = dequantizeWeight(superBlocks(weight, { inFeatures, outFeatures, importance, format }).quantized);
    // In 5 of 64 blocks of 4 bits ggml's build finds another scale and minimum than its search in float64 or numpy's float32.
    const far = found.filter((value, at) => Math.abs(value - expected[at]!) > TOLERANCE[format]).length;
    expect(far / weight.length).toBeLessThan(0.1);
    const ratio = weightedError(found) / weightedError(expected);
    expect(Math.abs(ratio - 1)).toBeLessThan(format === 'q3' ? 1e-4 : 0.08);
  });

  it.each(['q4', 'q3', 'q2'] as const)('keeps a constant weight, to the precision of its factor: %s', (format) => {
    const shape = { inFeatures: 32, outFeatures: 2, importance: new Float64Array(32).fill(1) };
    for (const constant of [0, -0.375]) {
      const { quantized } = superBlocks(new Float32Array(64).fill(constant), { ...shape, format });
      expect(largestDifference(dequantizeWeight(quantized), new Float32Array(64).fill(constant))).toBeLessThan(1e-3);
    }
  });

  it('shares a factor among a divisor of the blocks', () => {
    expect([16, 12, 18, 4, 7, 11, 1].map((blocks) => blocksTogether(blocks, 8))).toEqual([8, 6, 6, 4, 7, 1, 1]);
  });
});

describe('the method k-quants', () => {
  const model = tinyGpt({ width: 64, hiddenWidth: 80 });

  it.each(['q4', 'q3', 'q2'] as const)(
    'computes the same in the packed graph as with the dequantized weights: %s',
    async (format) => {
      const { context } = methodContext({ method, variant: format, model });
      const packed = (await method.compress(model, context)) as Model;
      const { examples } = context.calibration;
      const statistics = await inputStatistics({ model, examples }, ['square-sum']);
      const rounded = model.linears.reduce((current, linear) => {
        const squares = statistics.get(linear.role)!.of('square-sum');
        const mean = squares.map((sum) => sum / positionCount(examples));
        const { quantized } = superBlocks(model.weight(linear), { ...linear, importance: mean, format });
        const dims = [linear.inFeatures, linear.outFeatures];
        return current.withWeight(linear, tensorOf('float32', dims, dequantizeWeight(quantized)));
      }, model);
      const rows = [[3, 10, 17, 24, 31, 38]];
      // Of the three only q3 has a kernel that rounds activations too.
      const expected = await logitsOf(rounded, rows);
      expect(largestDifference(await logitsOf(packed, rows), expected)).toBeLessThan(format === 'q3' ? 0.1 : 1e-3);
      for (const linear of model.linears) {
        expect(packed.onnx.graph.initializers.has(linear.weight)).toBe(false);
        expect(packed.onnx.graph.initializers.has(`${linear.weight}.scales`)).toBe(false);
      }
    },
  );
});
