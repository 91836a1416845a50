import { describe, expect, it } from 'vitest';
import type { Items } from '../../../contracts/result.ts';
import { judgeRatio, judgeRelation } from '../../../numerics/statistics/judge-relation.ts';
import { itemsOf } from '../../support/rows.ts';

const dense = itemsOf('same', 60);

/** The same outcomes with `nats` more loss per decision, and noise of its own that averages out. */
function worseBy(nats: number, noise = 0): Items {
  return {
    ...dense,
    negativeLogLikelihood: dense.negativeLogLikelihood.map(
      (loss, at) => loss + (dense.tokens[at] as number) * (nats + noise * (at % 2 === 0 ? 1 : -1)),
    ),
  };
}

describe('judgeRelation', () => {
  it('holds where the interval lies on the right side and every seed agrees', () => {
    const { estimate, bySeed, verdict } = judgeRelation({
      first: [worseBy(0.1), worseBy(0.2)],
      second: [worseBy(0.5), worseBy(0.5)],
      expected: 'better',
    });
    expect(verdict).toBe('holds');
    expect(estimate.value).toBeCloseTo(-0.35, 9);
    expect(estimate.high).toBeLessThan(0);
    expect(bySeed.map((value) => Number(value.toFixed(9)))).toEqual([-0.4, -0.3]);
  });

  it('is undecided where one seed disagrees or the interval holds 0', () => {
    const disagreeing = { first: [worseBy(0), worseBy(0.6)], second: [worseBy(0.5)], expected: 'better' } as const;
    expect(judgeRelation(disagreeing)).toMatchObject({
      verdict: 'undecided',
      estimate: { value: expect.closeTo(-0.2, 9) },
    });
    const noisy = judgeRelation({ first: [worseBy(-0.001, 1)], second: [dense], expected: 'better' });
    expect(noisy.verdict).toBe('undecided');
  });

  it('fails where the first is worse, and lets a draw pass where not worse is all that is expected', () => {
    const worse = { first: [worseBy(0.2)], second: [dense] };
    expect(judgeRelation({ ...worse, expected: 'better' }).verdict).toBe('fails');
    expect(judgeRelation({ ...worse, expected: 'not worse' }).verdict).toBe('fails');
    expect(judgeRelation({ first: [dense], second: [dense], expected: 'not worse' }).verdict).toBe('holds');
    expect(judgeRelation({ first: [dense], second: [dense], expected: 'not better' }).verdict).toBe('holds');
    expect(judgeRelation({ first: [dense], second: [worseBy(0.2)], expected: 'not better' }).verdict).toBe('fails');
  });

  it('stands a single seed against each of several, and refuses other counts', () => {
    const { bySeed } = judgeRelation({
      first: [dense],
      second: [worseBy(0.1), worseBy(0.2), worseBy(0.3)],
      expected: 'better',
    });
    expect(bySeed).toHaveLength(3);
    expect(() => judgeRelation({ first: [dense, dense], second: [dense, dense, dense], expected: 'better' })).toThrow(
      '2 and 3 seeds cannot be paired',
    );
  });
});

describe('judgeRatio', () => {
  const around = (value: number, by = 0.1) => ({ value, low: value - by, high: value + by });

  it('divides means over seeds, and takes both intervals at their ends', () => {
    const { estimate, bySeed, verdict } = judgeRatio({
      first: [around(1), around(2)],
      second: [around(3), around(5)],
      expected: 'better',
    });
    expect(estimate.value).toBeCloseTo(1.5 / 4, 12);
    expect([estimate.low, estimate.high]).toEqual([expect.closeTo(1.4 / 4.1, 12), expect.closeTo(1.6 / 3.9, 12)]);
    expect(bySeed).toEqual([1 / 3, 2 / 5]);
    expect(verdict).toBe('holds');
  });

  it('finds no gain where the interval reaches 1, and equal sizes are none', () => {
    const close = { first: [around(0.95)], second: [around(1, 0)] };
    expect(judgeRatio({ ...close, expected: 'better' }).verdict).toBe('undecided');
    expect(judgeRatio({ ...close, expected: 'not better' }).verdict).toBe('holds');
    expect(judgeRatio({ first: [around(0.5)], second: [around(1)], expected: 'not better' }).verdict).toBe('fails');
    expect(judgeRatio({ first: [around(2)], second: [around(1)], expected: 'not worse' }).verdict).toBe('fails');
    const same = { first: [around(7, 0)], second: [around(7, 0)] };
    expect(judgeRatio({ ...same, expected: 'better' }).verdict).toBe('undecided');
    expect(judgeRatio({ ...same, expected: 'not better' }).verdict).toBe('holds');
  });

  it('holds better only where every seed agrees', () => {
    const first = [around(0.1), around(1.01, 0)];
    expect(judgeRatio({ first, second: [around(1, 0)], expected: 'better' }).verdict).toBe('undecided');
  });
});
