import { describe, expect, it } from 'vitest';
import { formatBytes, formatFigureEstimate, formatRatio, formatSeconds } from '../../../contracts/words/figures.ts';

describe('numbers', () => {
  it.each([
    [3.71249, 3.69, 3.7351, '3.712 [3.690, 3.735]'],
    [38.579, 36.65, 40.949, '38.58 [36.65, 40.95]'],
    [142.4, 99.6, 1500, '142 [100, 1500]'],
    [9999, 9000, 11_000, '9999 [9000, 11000]'],
    [10_079, 9108, 11_126, '1.0e4 [9.1e3, 1.1e4]'],
    [6.24e9, 5.64e9, 6.96e9, '6.2e9 [5.6e9, 7.0e9]'],
  ])('writes %d [%d, %d] as %s', (value, low, high, text) => {
    expect(formatFigureEstimate({ value, low, high })).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [271_400, '271 kB'],
    [1_060_000, '1.06 MB'],
    [25_770_000_000, '25.8 GB'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0.0124, '12.4 ms'],
    [1, '1.0 s'],
    [119.94, '119.9 s'],
    [125, '2.1 min'],
    [7200, '2.0 h'],
  ])('writes %d seconds as %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  it('writes ratios in three digits', () =>
    expect([4.616, 12.34, 198.4].map(formatRatio)).toEqual(['4.62×', '12.3×', '198×']));
});
