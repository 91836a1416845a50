import { describe, expect, it } from 'vitest';
import { formatCost, formatTimesRange } from '../../contracts/words/figures.ts';
import { verdictSentence } from '../../site/lib/headline-words.ts';
import { EVEN_WEIGHTS, scoreOf } from '../../site/lib/columns.ts';
import { boardRowOf } from '../support/board-row.ts';

describe('costs', () => {
  it('below 0.2 s are shown as such, and enter no ratio', () => {
    expect([0, 0.1999, 0.2, 3.44].map(formatCost)).toEqual(['< 0.2 s', '< 0.2 s', '200 ms', '3.4 s']);
    expect(scoreOf(boardRowOf('a/b', { computeSeconds: 0.19 }), EVEN_WEIGHTS)).toBeNull();
    expect(scoreOf(boardRowOf('a/b', { computeSeconds: 0.2 }), EVEN_WEIGHTS)).toBeGreaterThan(0);
  });

  it('are a range in the headline, or both costs where there is no ratio', () => {
    const line = {
      weightClass: 4,
      verdict: 'high-cost better' as const,
      computeRatio: null,
      noComputeRatio: 'a cost is too small to be told from none',
      lowCost: boardRowOf('a/low', { computeSeconds: 0.1 }),
      highCost: boardRowOf('a/high', { computeSeconds: 48 }),
      lowCostTied: 0,
      highCostTied: 0,
      gap: { value: -5.3, low: -6, high: -4.6 },
      artifactsOnly: false,
      breakEven: [],
    };
    const view = { metric: 'perplexity' as const, higherIsBetter: false };
    const sentence = verdictSentence(line, view).replaceAll('\u00a0', ' ');
    expect(sentence).toBe('48.0 s of compute against < 0.2 s for 5.30 % lower perplexity.');
    const ratio = (value: number) => ({ value, interval: null });
    const computeRatio = { cheapestLowCost: 'a', cheapestHighCost: 'b', least: ratio(12), most: ratio(40.2) };
    expect(verdictSentence({ ...line, computeRatio }, view)).toMatch(/^12 to 40 times the compute for /);
    expect(formatTimesRange(0.33, 1.42)).toBe('0.33 to 1.4 times');
    expect(formatTimesRange(40.1, 40.3)).toBe('40 times');
  });
});
