import { describe, expect, it } from 'vitest';
import type { Metric } from '../../../contracts/dataset.ts';
import type { Items } from '../../../contracts/result.ts';
import { compareItems, pairItems } from '../../../numerics/statistics/compare-items.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { rankTiers } from '../../../numerics/statistics/rank-tiers.ts';
import { signFlipTest } from '../../../numerics/statistics/significance.ts';

/** Forty items of 50 tokens that share their difficulty; `shift` nats per token worse, with noise of the item's own. */
function itemsOf(label: string, shift: number, noise = 0.02): Items {
  const shared = createRandom('difficulty');
  const own = createRandom(label);
  const losses = Array.from({ length: 40 }, () => 50 * (1.3 + 0.4 * shared.normal() + shift + noise * own.normal()));
  const counts = losses.map(() => 25);
  return {
    ids: losses.map((_, i) => `item-${i}`),
    tokens: losses.map(() => 50),
    negativeLogLikelihood: losses,
    denseNegativeLogLikelihood: losses.map(() => 60),
    klDivergence: losses.map(() => 50 * (0.01 + Math.max(0, shift))),
    sameTop: counts,
    correct: counts,
    denseCorrect: counts,
    correctToIncorrect: losses.map(() => 0),
    incorrectToCorrect: losses.map(() => 0),
  };
}

describe('compareItems', () => {
  it('sees a difference far below the spread between items, since it is paired', () => {
    const { logPerplexity, sameTop } = compareItems(itemsOf('a', 0.02), itemsOf('b', 0));
    expect(logPerplexity.difference.low).toBeGreaterThan(0);
    expect(logPerplexity.difference.value).toBeCloseTo(0.02, 1);
    expect(logPerplexity.significant).toBe(true);
    expect(sameTop).toMatchObject({ difference: { value: 0, low: 0, high: 0 }, pValue: 1, significant: false });
  });

  it('turns its sign with the order and finds nothing between equals', () => {
    const [a, b] = [itemsOf('a', 0.02), itemsOf('b', 0)];
    expect(compareItems(b, a).logPerplexity.difference.value).toBe(-compareItems(a, b).logPerplexity.difference.value);
    expect(compareItems(a, a).logPerplexity).toMatchObject({ pValue: 1, significant: false });
  });

  it('refuses rows of other items', () => {
    const a = itemsOf('a', 0);
    expect(() => compareItems(a, { ...a, ids: a.ids.toReversed() })).toThrow('first difference at 0');
    expect(() => compareItems(a, { ...a, tokens: a.tokens.with(3, 49) })).toThrow('first difference at 3');
  });
});

/** Names by tier, sorted. */
function tiersOf(entries: Readonly<Record<string, Items>>, metric: Metric): string[][] {
  const names = Object.keys(entries);
  return pairItems(Object.values(entries), metric)
    .tiers(names.map((_, index) => index))
    .map((tier) => tier.entries.map((index) => names[index] ?? '').sort());
}

describe('pairItems', () => {
  it('shares a place among what the test cannot tell apart', () => {
    const entries = { worse: itemsOf('w', 0.1), first: itemsOf('x', 0), second: itemsOf('y', 0.001) };
    expect(tiersOf(entries, 'perplexity')).toEqual([['first', 'second'], ['worse']]);
  });

  it('puts the most right answers first where the metric is an accuracy, whatever their loss', () => {
    const answers = (label: string, share: number): Items => {
      const random = createRandom('answers');
      const correct = Array.from({ length: 200 }, () => Number(random.next() < share));
      const ones = correct.map(() => 1);
      const loss = createRandom(label);
      return {
        ...itemsOf(label, 0),
        ids: correct.map((_, i) => `item-${i}`),
        tokens: ones,
        correct,
        sameTop: ones,
        klDivergence: ones,
        negativeLogLikelihood: correct.map(() => loss.next() + 1 - share),
      };
    };
    const entries = { guesses: answers('g', 0.3), good: answers('a', 0.8), same: answers('b', 0.8) };
    expect(tiersOf(entries, 'choice-accuracy')).toEqual([['good', 'same'], ['guesses']]);
    const { correct } = compareItems(entries.good, entries.guesses);
    expect(correct.difference.value).toBeGreaterThan(0.4);
    expect(correct.significant).toBe(true);
  });

  it('agrees with comparing two by themselves', () => {
    const random = createRandom('pairs');
    const entries = Array.from({ length: 12 }, (_, i) => itemsOf(`entry ${i}`, 0.02 * random.normal(), 0.01 + i / 100));
    const pairing = pairItems(entries, 'perplexity');
    for (let a = 0; a < entries.length; a++) {
      for (let b = 0; b < entries.length; b++) {
        const alone = compareItems(entries[a] as Items, entries[b] as Items).logPerplexity;
        const { difference, pValue, significant } = pairing.compare(a, b);
        expect(pValue).toBe(alone.pValue);
        expect(significant).toBe(alone.significant);
        for (const end of ['value', 'low', 'high'] as const) {
          expect(difference[end]).toBeCloseTo(alone.difference[end], 10);
        }
      }
    }
  });

  it('gives the tiers of testing each entry by itself against the best', () => {
    const random = createRandom('tiers');
    const entries = Array.from({ length: 30 }, (_, i) => itemsOf(`entry ${i}`, 0.03 * random.next(), 0.03));
    const lossOf = ({ negativeLogLikelihood }: Items) => negativeLogLikelihood.reduce((sum, loss) => sum + loss, 0);
    const tiers = rankTiers({
      entries: entries.map((_, index) => index),
      quality: (index) => lossOf(entries[index] as Items),
      higherIsBetter: false,
      significantlyWorse: (entry, best) =>
        signFlipTest({
          differences: (entries[entry] as Items).negativeLogLikelihood.map(
            (loss, i) => loss - ((entries[best] as Items).negativeLogLikelihood[i] as number),
          ),
          resamples: PROTOCOL.quality.bootstrapResamples,
          seed: PROTOCOL.quality.bootstrapSeed,
        }) <= 0.05,
    });
    expect(tiers.length).toBeGreaterThan(2);
    expect(pairItems(entries, 'perplexity').tiers(entries.map((_, index) => index))).toEqual(tiers);
  });

  it('refuses rows of other items', () => {
    const a = itemsOf('a', 0);
    expect(() => pairItems([a, { ...a, ids: a.ids.toReversed() }], 'perplexity')).toThrow('first difference at 0');
  });
});
