import { describe, expect, it } from 'vitest';
import { formatGap, formatQuality, shownDifference } from '../../../contracts/words/metric.ts';

describe('shownDifference', () => {
  it('shows nats as percent of perplexity and shares as points', () => {
    const difference = { value: Math.log(1.05), low: 0, high: Math.log(1.1) };
    const shown = shownDifference('perplexity', difference);
    expect(shown.value).toBeCloseTo(5, 10);
    expect(shown.high).toBeCloseTo(10, 10);
    expect(shownDifference('choice-accuracy', { value: -0.0125, low: -0.1, high: 0 }).value).toBeCloseTo(-1.25, 12);
  });

  it('stays finite where a perplexity is unbounded', () => {
    expect(shownDifference('perplexity', { value: 5000, low: 0, high: 6000 }).value).toBe(Number.MAX_VALUE);
  });
});

it('writes a value and a difference in the words of the metric', () => {
  expect(formatQuality('perplexity', 4.0123)).toBe('4.012');
  expect(formatQuality('choice-accuracy', 0.7133)).toBe('71.3 %');
  expect(formatGap('perplexity', -5.314)).toBe('−5.31 %');
  expect(formatGap('classification-accuracy', 1.3)).toBe('+1.30 points');
});
