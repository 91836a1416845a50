import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import method from '../../../methods/quantization/micro-scaling.ts';
import {
  dequantizeMicro,
  E2M1,
  E4M3,
  MICRO_FORMATS,
  type MicroFormat,
  quantizeMicro,
} from '../../../methods/shared/formats/micro-scaling.ts';
import { methodContext } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt } from '../../support/tiny-model.ts';

const golden = JSON.parse(
  readFileSync(new URL('../../golden/micro-scaling.json', import.meta.url), 'utf8'),
) as Readonly<Record<'e2m1' | 'e4m3', number[]> & Record<MicroFormat, string>>;
const formats = Object.keys(MICRO_FORMATS) as MicroFormat[];

/** As test/golden/scripts/micro-scaling.py makes them, but [in, out]. */
const [outFeatures, inFeatures] = [12, 128];
const rowOf = (at: number) => (at % outFeatures) * inFeatures + Math.floor(at / outFeatures);
const weight = Float32Array.from({ length: inFeatures * outFeatures }, (_, at) => {
  const i = rowOf(at);
  const v = 2 * (((i * (i + 3) * 7919) % 10007) / 10007) - 1;
  return (v * v * v * (1 + (i % 7))) / 16;
});

describe('quantizeMicro', () => {
  it('has the numbers of ml_dtypes', () => {
    expect([...E2M1.subarray(0, 8)]).toEqual(golden.e2m1);
    expect([...E4M3]).toEqual(golden.e4m3);
  });

  it.each(formats)('gives the weights of the specification: %s', (format) => {
    const rows = new Float32Array(new Uint8Array(Buffer.from(golden[format], 'base64')).buffer); // [out, in]
    const found = dequantizeMicro(quantizeMicro(weight, { inFeatures, outFeatures, format }));
    expect(
      largestDifference(
        found,
        Float32Array.from(weight, (_, at) => rows[rowOf(at)]!),
      ),
    ).toBe(0);
  });

  it.each(formats)('keeps zeros, and numbers of four bits times a power of two: %s', (format) => {
    const zeros = new Float32Array(40);
    expect(dequantizeMicro(quantizeMicro(zeros, { inFeatures: 40, outFeatures: 1, format }))).toEqual(zeros);
    const exact = Float32Array.from({ length: 48 }, (_, at) => E2M1[15 - (at % 16)]! / 64 + 0);
    const found = dequantizeMicro(quantizeMicro(exact, { inFeatures: 48, outFeatures: 1, format }));
    expect(largestDifference(found, exact)).toBeLessThan(1e-8);
  });
});

describe('the method micro-scaling', () => {
  const model = tinyGpt({ width: 40, hiddenWidth: 80 });

  it.each(formats)('computes in the packed graph what the codes stand for: %s', async (format) => {
    const { context } = methodContext({ method, variant: format, model });
    const packed = (await method.compress(model, context)) as Model;
    const rounded = model.linears.reduce((current, linear) => {
      const { inFeatures, outFeatures } = linear;
      const decoded = dequantizeMicro(quantizeMicro(model.weight(linear), { inFeatures, outFeatures, format }));
      return current.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], decoded));
    }, model);
    const rows = [[3, 10, 17, 24, 31, 38]];
    expect(largestDifference(await logitsOf(packed, rows), await logitsOf(rounded, rows))).toBeLessThan(1e-5);
    for (const { weight: name } of model.linears) expect(packed.onnx.graph.initializers.has(name)).toBe(false);
  });
});
