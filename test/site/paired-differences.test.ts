import { describe, expect, it } from 'vitest';
import type { Comparisons } from '../../drizzle/queries.ts';
import { qualityDifference } from '../../site/lib/paired-differences.ts';

const columns = {
  value: [0.1, -0.2, null],
  low: [0.05, -0.3, null],
  high: [0.15, -0.1, null],
  pValue: [0.2, 0.01, null],
  artifactsOnly: [false, true, false],
};
const file: Comparisons = {
  contest: 'contest',
  metric: 'perplexity',
  first: 'a',
  others: ['b', 'c', 'd'],
  quality: columns,
  klDivergence: columns,
};
const files = new Map([['a', file]]);

describe('qualityDifference', () => {
  it('reads a pair from the file of the first, and reverses it for the second', () => {
    expect(qualityDifference(files, 'a', 'c')).toEqual({
      difference: { value: -0.2, low: -0.3, high: -0.1 },
      pValue: 0.01,
      significant: true,
      artifactsOnly: true,
    });
    expect(qualityDifference(files, 'c', 'a')?.difference).toEqual({ value: 0.2, low: 0.1, high: 0.3 });
  });

  it('has no difference for a pair in no file, nor for a single seed without a counterpart', () => {
    expect(qualityDifference(files, 'a', 'd')).toBeNull();
    expect(qualityDifference(files, 'b', 'c')).toBeNull();
  });
});
