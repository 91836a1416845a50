import { describe, expect, it } from 'vitest';
import { NumericalError } from '../../../../contracts/errors.ts';
import { codeOf, fitGrid, gridOf, valueOf } from '../../../../methods/shared/formats/grid.ts';
import { quantizeInt8 } from '../../../../methods/shared/formats/int8-weight.ts';
import { gridOfActivations } from '../../../../methods/shared/formats/activation-grid.ts';
import { dequantizeBnb4, quantizeBnb4 } from '../../../../methods/shared/formats/matmul-bnb4.ts';
import { toFloat16 } from '../../../../methods/shared/formats/codebook.ts';

const span = { start: 0, stride: 1, count: 4 };
const shape = { inFeatures: 4, outFeatures: 1 };

describe.each([2, 3, 4, 8] as const)('a grid of %i bits', (bits) => {
  it.each([true, false])('keeps subnormal groups small and zero exact (symmetric: %s)', (symmetric) => {
    for (const size of [1e-37, 2e-38, 1e-40, 2 ** -149]) {
      const values = Float32Array.of(size, -size / 2, 0, size);
      const grid = fitGrid(values, span, { bits, symmetric });
      for (const value of values) {
        const restored = valueOf(grid, codeOf(grid, value));
        expect(Number.isFinite(restored)).toBe(true);
        expect(Math.abs(restored - value)).toBeLessThanOrEqual(4 * size);
      }
      const zero = valueOf(grid, codeOf(grid, 0));
      expect(Math.abs(zero)).toBe(0);
    }
  });

  it.each([true, false])('refuses values that are not finite (symmetric: %s)', (symmetric) => {
    for (const odd of [NaN, Infinity, -Infinity]) {
      expect(() => fitGrid(Float32Array.of(1, odd, 2, 3), span, { bits, symmetric })).toThrow(NumericalError);
    }
  });

  it('refuses a range beyond float32', () => {
    expect(() => fitGrid(Float32Array.of(-3e38, 3e38, 0, 1), span, { bits, symmetric: false })).toThrow(NumericalError);
  });
});

describe('gridOf', () => {
  it('saturates where float32 cannot represent the reciprocal, but keeps zero', () => {
    expect(gridOf({ bits: 4, scale: 2 ** -126, zeroPoint: 8 })).toMatchObject({
      scale: 2 ** -126,
      reciprocal: 2 ** 126,
    });
    const tiny = gridOf({ bits: 4, scale: 2 ** -129, zeroPoint: 8 });
    expect(tiny.reciprocal).toBe(Infinity);
    expect([0, -0, 2 ** -127, -(2 ** -127)].map((value) => codeOf(tiny, value))).toEqual([8, 8, 15, 0]);
  });
});

describe('other formats', () => {
  it('nf4 and fp4 round subnormal blocks to zero and refuse weights that are not finite', () => {
    for (const type of ['nf4', 'fp4'] as const) {
      for (const nested of [false, true]) {
        const format = { ...shape, type, blockSize: 16 as const, nested };
        const tiny = quantizeBnb4(Float32Array.of(1e-40, 0, -1e-40, 1e-41), format);
        for (const value of dequantizeBnb4(tiny)) expect(Math.abs(value)).toBeLessThanOrEqual(2e-40);
        expect(() => quantizeBnb4(Float32Array.of(1, NaN, 0, 0), format)).toThrow(NumericalError);
        expect(() => quantizeBnb4(Float32Array.of(1, Infinity, 0, 0), format)).toThrow(NumericalError);
      }
    }
  });

  it('int8 weights and activation grids refuse what is not finite', () => {
    const format = { ...shape, granularity: 'channel', reducedRange: false } as const;
    expect([...quantizeInt8(Float32Array.of(1e-40, 0, 0, 0), format).codes]).toEqual([0, 0, 0, 0]);
    expect(() => quantizeInt8(Float32Array.of(1, NaN, 0, 0), format)).toThrow(NumericalError);
    expect(() => quantizeInt8(Float32Array.of(1, Infinity, 0, 0), format)).toThrow(NumericalError);
    expect(() => gridOfActivations({ low: 0, high: Infinity }, 8)).toThrow(NumericalError);
    expect(() => gridOfActivations({ low: NaN, high: 1 }, 4)).toThrow(NumericalError);
  });

  it('float16 codebooks refuse values beyond the range of float16', () => {
    expect(toFloat16(65_504)).toBe(65_504);
    expect(() => toFloat16(70_000)).toThrow(/70000 cannot be stored as float16/);
  });
});
