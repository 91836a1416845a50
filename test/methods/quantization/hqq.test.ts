import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import method, { halfQuadratic } from '../../../methods/quantization/hqq.ts';
import { dequantizeWeight, quantizeWeight } from '../../../methods/shared/formats/matmul-nbits.ts';
import { methodContext } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt } from '../../support/tiny-model.ts';

interface Case {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly groupSize: number;
  readonly bits: 2 | 3 | 4;
  readonly codes: string;
  readonly scales: string;
  readonly zeroPoints: string;
}

const golden = JSON.parse(readFileSync(new URL('../../golden/hqq.json', import.meta.url), 'utf8')) as readonly Case[];
const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
const floats = (base64: string) => new Float32Array(bytesOf(base64).buffer);
const AUTHORS = { norm: 0.7, iterations: 20 };

/** As test/golden/scripts/half-quadratic.py makes them, but [in, out]. */
function weights({ inFeatures, outFeatures }: Pick<Case, 'inFeatures' | 'outFeatures'>): Float32Array {
  return Float32Array.from({ length: inFeatures * outFeatures }, (_, at) => {
    const i = (at % outFeatures) * inFeatures + Math.floor(at / outFeatures);
    const v = 2 * (((i * (i + 3) * 7919) % 10007) / 10007) - 1;
    return (v * v * v * (1 + (i % 7))) / 16;
  });
}

describe('halfQuadratic', () => {
  it.each(golden)('equals the codes, scales and zero points of hqq: $bits bits, $outFeatures × $inFeatures', (of) => {
    const { codes, scales, zeroPoints } = halfQuadratic(weights(of), { ...of, ...AUTHORS });
    expect(codes).toEqual(bytesOf(of.codes));
    expect(largestDifference(scales, floats(of.scales))).toBeLessThan(1e-7);
    expect(largestDifference(zeroPoints, floats(of.zeroPoints))).toBeLessThan(2e-5);
  });

  it.each([2, 3, 4] as const)(
    'has a smaller mean absolute error than round to nearest on small weights: %i bits',
    (bits) => {
      const shape = { inFeatures: 96, outFeatures: 24, bits, groupSize: 32 } as const;
      const random = createRandom('hqq');
      const weight = Float32Array.from({ length: 96 * 24 }, () => 0.05 * random.normal());
      const error = (rounded: Float32Array) =>
        weight.reduce((sum, value, i) => sum + Math.abs(value - rounded[i]!), 0) / weight.length;
      const nearest = dequantizeWeight(quantizeWeight(weight, { ...shape, symmetric: false }));
      const moved = dequantizeWeight(halfQuadratic(weight, { ...shape, ...AUTHORS }));
      expect(error(moved)).toBeLessThan(0.99 * error(nearest));
    },
  );

  it('keeps a group of equal weights exactly', () => {
    const weight = new Float32Array(32).fill(-0.25);
    const quantized = halfQuadratic(weight, { inFeatures: 32, outFeatures: 1, bits: 3, groupSize: 32, ...AUTHORS });
    expect(largestDifference(dequantizeWeight(quantized), weight)).toBeLessThan(1e-6);
  });
});

describe('the method hqq', () => {
  const model = tinyGpt({ width: 64, hiddenWidth: 80 });

  it.each(['w4g32', 'w3g32', 'w2g16'])(
    'computes in the packed graph what the rounded weights give: %s',
    async (variant) => {
      const { context, notes } = methodContext({ method, variant, model });
      const packed = (await method.compress(model, context)) as Model;
      const { bits, groupSize } = context.params as { bits: 2 | 3 | 4; groupSize: number };
      const rounded = model.linears.reduce((current, linear) => {
        const { inFeatures, outFeatures } = linear;
        const quantized = halfQuadratic(model.weight(linear), { inFeatures, outFeatures, bits, groupSize, ...AUTHORS });
        return current.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], dequantizeWeight(quantized)));
      }, model);
      const rows = [[3, 10, 17, 24, 31, 38]];
      expect(largestDifference(await logitsOf(packed, rows), await logitsOf(rounded, rows))).toBeLessThan(1e-3);
      expect(notes).toEqual([expect.stringMatching(/^zero points lie between codes/)]);
    },
  );
});
