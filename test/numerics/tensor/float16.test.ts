import { describe, expect, it } from 'vitest';
import { fromFloat16Bits, toFloat16Bits } from '../../../numerics/tensor/float16.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';

describe('toFloat16Bits', () => {
  it('round-trips every float16', () => {
    for (let pattern = 0; pattern < 0x10000; pattern++) {
      const value = fromFloat16Bits(pattern);
      if (!Number.isNaN(value)) expect(toFloat16Bits(value)).toBe(pattern);
    }
    expect(fromFloat16Bits(toFloat16Bits(NaN))).toBeNaN();
  });

  it('rounds to nearest, halfway cases to even', () => {
    for (let pattern = 0; pattern < 0x7bff; pattern++) {
      const low = fromFloat16Bits(pattern);
      const middle = (low + fromFloat16Bits(pattern + 1)) / 2;
      const step = middle * 2 ** -23;
      if (toFloat16Bits(middle) !== pattern + (pattern & 1)) throw new Error(`${middle} is not rounded to even`);
      if (toFloat16Bits(Math.fround(middle - step)) !== pattern) throw new Error(`${middle} - is not rounded down`);
      if (toFloat16Bits(Math.fround(middle + step)) !== pattern + 1) throw new Error(`${middle} + is not rounded up`);
    }
  });

  it('overflows to infinity from halfway to 65536 and keeps signs', () => {
    expect(toFloat16Bits(65519.99)).toBe(0x7bff);
    expect(toFloat16Bits(65520)).toBe(0x7c00);
    expect(toFloat16Bits(-1e30)).toBe(0xfc00);
    expect(toFloat16Bits(-0)).toBe(0x8000);
    const random = createRandom('float16');
    for (let i = 0; i < 1000; i++) {
      const value = Math.fround(random.normal() * 10 ** (random.integer(10) - 6));
      expect(toFloat16Bits(-value)).toBe(toFloat16Bits(value) ^ 0x8000);
    }
  });
});
