import { describe, expect, it } from 'vitest';
import type { Items } from '../../../contracts/result.ts';
import { type EntryItems, pairEntries } from '../../../numerics/statistics/pair-entries.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { itemsOf } from '../../support/rows.ts';

const dense = itemsOf('same', 30);

function worseBy(nats: number): Items {
  const random = createRandom(`noise ${nats}`);
  const negativeLogLikelihood = dense.negativeLogLikelihood.map(
    (loss, at) => loss + (dense.tokens[at] as number) * (nats + 0.1 * random.normal()),
  );
  return { ...dense, negativeLogLikelihood };
}

const metric = 'perplexity';
const drawn: EntryItems = { bySeed: [worseBy(0.1), worseBy(0.4)], seeds: 'drawn', seedNumbers: [0, 2] };
const lone = (seed: number): EntryItems => ({ bySeed: [worseBy(0.3)], seeds: 'one seed', seedNumbers: [seed] });
const alone = (items: Items): EntryItems => ({ bySeed: [items], seeds: 'one seed', seedNumbers: [0] });

describe('pairEntries', () => {
  it('compares a single seed with the artifact of the same seed, in any order', () => {
    const pairing = pairEntries([drawn, lone(2)], { metric });
    const artifacts = pairEntries([alone(worseBy(0.4)), alone(worseBy(0.3))], { metric }).compare(0, 1);
    expect(pairing.compare(0, 1)).toEqual(artifacts);
    expect(pairing.compare(1, 0)?.difference.value).toBe(-(artifacts?.difference.value ?? NaN));
    expect(artifacts?.about).toBe('these artifacts');
  });

  it('does not compare a single seed with a method that was not run with it', () => {
    expect(pairEntries([drawn, lone(1)], { metric }).compare(0, 1)).toBeNull();
  });

  it('compares all seeds with an entry that draws nothing', () => {
    const found = pairEntries([drawn, { ...lone(1), seeds: 'same artifact' }], { metric }).compare(0, 1);
    expect(found?.about).toBe('the methods');
    expect(found?.components).toHaveLength(2);
  });

  it('refuses rows with other items', () => {
    const other = { ...dense, ids: dense.ids.toReversed() };
    expect(() => pairEntries([drawn, alone(other)], { metric })).toThrow('first difference at 0');
  });
});
