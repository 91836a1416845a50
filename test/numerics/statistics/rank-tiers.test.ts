import { describe, expect, it } from 'vitest';
import { rankTiers } from '../../../numerics/statistics/rank-tiers.ts';

const entries = [5.0, 1.0, 1.4, 2.0, 1.2, 5.1].map((perplexity, i) => ({ id: `e${i}`, perplexity }));
const tiers = (limit: number, higherIsBetter = false) =>
  rankTiers({
    entries,
    quality: (e) => e.perplexity,
    higherIsBetter,
    significantlyWorse: (entry, best) => Math.abs(entry.perplexity - best.perplexity) > limit,
  }).map(({ tier, entries: members }) => [tier, ...members.map((e) => e.perplexity)]);

describe('rankTiers', () => {
  it('compares each entry with the best of the tier, not with its neighbour', () => {
    expect(tiers(0.5)).toEqual([
      [1, 1, 1.2, 1.4],
      [2, 2],
      [3, 5, 5.1],
    ]);
  });

  it('turns round for metrics where more is better', () => {
    expect(tiers(0.5, true)[0]).toEqual([1, 5.1, 5]);
  });

  it('gives one tier when nothing differs, a tier each when all do, none for none', () => {
    expect(tiers(100)).toHaveLength(1);
    expect(tiers(0)).toHaveLength(6);
    expect(rankTiers({ entries: [], quality: () => 0, higherIsBetter: true, significantlyWorse: () => true })).toEqual(
      [],
    );
  });
});
