import { describe, expect, it } from 'vitest';
import { mergeHeads } from '../../../methods/shared/surgery/head-merging.ts';
import headMerge from '../../../methods/architecture/head-merge.ts';
import { methodContext } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt } from '../../support/tiny-model.ts';

const model = tinyGpt();
const rows = [[1, 9, 17, 4, 33, 60]];

describe('head-merge', () => {
  it('merges as specified by its variant', async () => {
    for (const [variant, merging] of [
      ['pairs', { merged: 2, by: 'mean' }],
      ['all-first', { merged: 'all', by: 'first' }],
      ['pairs-random', { merged: 2, by: 'random' }],
    ] as const) {
      const { context } = methodContext({ method: headMerge, variant, model, seed: 4 });
      const merged = await headMerge.compress(model, context);
      const expected = mergeHeads(model, { ...merging, random: context.random });
      expect(largestDifference(await logitsOf(merged, rows), await logitsOf(expected, rows))).toBe(0);
    }
  });

  it('selects other heads for another seed only in the random variant', async () => {
    const by = async (variant: string, seed: number) => {
      const { context } = methodContext({ method: headMerge, variant, model, seed });
      return logitsOf(await headMerge.compress(model, context), rows);
    };
    expect(largestDifference(await by('pairs', 1), await by('pairs', 2))).toBe(0);
    expect(largestDifference(await by('pairs-random', 1), await by('pairs-random', 2))).toBeGreaterThan(0);
  });
});
