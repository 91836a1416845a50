import { describe, expect, it } from 'vitest';
import type { Items } from '../../../harness/contracts/result.ts';
import { judgeRelation } from '../../../harness/evaluate/judge-relation.ts';
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
    const { difference, bySeed, verdict } = judgeRelation({
      first: [worseBy(0.1), worseBy(0.2)],
      second: [worseBy(0.5), worseBy(0.5)],
      expected: 'better',
    });
    expect(verdict).toBe('holds');
    expect(difference.value).toBeCloseTo(-0.35, 9);
    expect(difference.high).toBeLessThan(0);
    expect(bySeed.map((value) => Number(value.toFixed(9)))).toEqual([-0.4, -0.3]);
  });

  it('is undecided where one seed disagrees or the interval holds 0', () => {
    const disagreeing = { first: [worseBy(0), worseBy(0.6)], second: [worseBy(0.5)], expected: 'better' } as const;
    expect(judgeRelation(disagreeing)).toMatchObject({
      verdict: 'undecided',
      difference: { value: expect.closeTo(-0.2, 9) },
    });
    const noisy = judgeRelation({ first: [worseBy(-0.001, 1)], second: [dense], expected: 'better' });
    expect(noisy.verdict).toBe('undecided');
  });

  it('fails where the first is worse, and lets a draw pass where not worse is all that is expected', () => {
    const worse = { first: [worseBy(0.2)], second: [dense] };
    expect(judgeRelation({ ...worse, expected: 'better' }).verdict).toBe('fails');
    expect(judgeRelation({ ...worse, expected: 'not worse' }).verdict).toBe('fails');
    expect(judgeRelation({ first: [dense], second: [dense], expected: 'not worse' }).verdict).toBe('holds');
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
