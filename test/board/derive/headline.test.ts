import { describe, expect, it } from 'vitest';
import { type CurvePoint, meanOver } from '../../../board/derive/between-curves.ts';
import { computeRatio } from '../../../board/derive/compute-ratio.ts';
import { headlines } from '../../../board/derive/headline.ts';
import type { Compute, DerivedEntry, Paired } from '../../../contracts/derived.ts';
import { type Literal, compute, entriesOf } from '../../support/derived-entries.ts';

/** Nats above which two entries differ significantly. */
const APART = 0.02;

function headlinesOf(literals: readonly Literal[]) {
  const losses = new Map(literals.map(({ slug, loss }) => [slug, loss]));
  const compare = (first: DerivedEntry, second: DerivedEntry): Paired => {
    const value = (losses.get(first.slug) ?? NaN) - (losses.get(second.slug) ?? NaN);
    const significant = Math.abs(value) > APART;
    return {
      difference: { value, low: value, high: value },
      shown: { value, low: value, high: value },
      pValue: significant ? 1e-6 : 0.5,
      significant,
      better: significant ? (value < 0 ? 'first' : 'second') : null,
      about: 'the methods',
    };
  };
  const lines = headlines(entriesOf(literals), { compare, shapes: [], provider: null });
  return new Map(lines.map((line) => [line.weightClass, line]));
}

describe('headlines', () => {
  const rounding8 = { slug: 'rounding-8-bit', ratio: 2.38, loss: 1 };
  const training4 = { slug: 'training-4-bit', trains: true, ratio: 3.21, loss: 1.1 };

  it('does not claim that training loses because 8-bit rounding beats 4-bit training', () => {
    expect(headlinesOf([rounding8, training4]).get(2)?.verdict).toBe('larger is better');
    const rounding4 = { slug: 'rounding-4-bit', ratio: 3.25, loss: 1.3 };
    expect(headlinesOf([rounding8, training4, rounding4]).get(2)).toMatchObject({
      verdict: 'high-cost better',
      lowCost: 'rounding-4-bit',
      highCost: 'training-4-bit',
    });
  });

  it('does not claim that training loses because fp16 beats 4-bit training, nor that it wins with more bytes', () => {
    const half = { slug: 'fp16', ratio: 2, loss: 0.9 };
    expect(headlinesOf([half, training4]).get(2)?.verdict).toBe('larger is better');
    const training8 = { slug: 'training-8-bit', trains: true, ratio: 2.1, loss: 0.9 };
    expect(headlinesOf([training8, { ...rounding8, loss: 1.2 }]).get(2)?.verdict).toBe('larger is better');
  });

  it('says that training loses to an entry that is no larger, also of a smaller class', () => {
    const small = { slug: 'rounding-3-bit', ratio: 4.2, loss: 1.0 };
    expect(headlinesOf([training4, small]).get(2)).toMatchObject({ verdict: 'low-cost better', lowCost: small.slug });
    const within = { slug: 'rounding', ratio: 3.21 / 1.049, loss: 1.0 };
    expect(headlinesOf([training4, within]).get(2)?.verdict).toBe('low-cost better');
    expect(headlinesOf([training4, { ...within, ratio: 3.21 / 1.051 }]).get(2)?.verdict).toBe('larger is better');
  });

  it('says so where nothing differs, where each wins at one size, and where a side is missing', () => {
    expect(headlinesOf([training4, { ...rounding8, ratio: 3.2, loss: 1.11 }]).get(2)?.verdict).toBe('undecided');
    const lines = headlinesOf([
      { slug: 'rounding-a', ratio: 2.4, loss: 1 },
      { slug: 'training-a', trains: true, ratio: 2.45, loss: 1.2 },
      { slug: 'training-b', trains: true, ratio: 3.8, loss: 1.1 },
      { slug: 'rounding-b', ratio: 3.8, loss: 1.3 },
    ]);
    // The best that trains wins at 3.8×; the best that does not trails nobody as small at 2.4×, but is larger than that one.
    expect(lines.get(2)).toMatchObject({ verdict: 'high-cost better', highCost: 'training-b', lowCost: 'rounding-b' });
    const split = headlinesOf([
      { slug: 'rounding', ratio: 2.05, loss: 1 },
      { slug: 'training', trains: true, ratio: 2.1, loss: 1.2 },
      { slug: 'training-small', trains: true, ratio: 4.5, loss: 0.9 },
    ]);
    expect(split.get(2)?.verdict).toBe('depends on size');
    expect(lines.get(16)?.verdict).toBe('empty');
    expect(headlinesOf([rounding8]).get(2)?.verdict).toBe('only low-cost');
    const small = { ...training4, ratio: 4.2 };
    expect(headlinesOf([rounding8, small]).get(2)).toMatchObject({ verdict: 'only low-cost', highCost: null });
    expect(headlinesOf([rounding8, { ...small, loss: 0.9 }]).get(2)?.verdict).toBe('high-cost better');
    expect(headlinesOf([training4]).get(2)?.verdict).toBe('only high-cost');
  });

  it('compares the compute of training with the cheapest entry that no test separates from the best', () => {
    const line = headlinesOf([
      { slug: 'best', ratio: 4.1, loss: 1.0, seconds: 30 },
      { slug: 'cheap', ratio: 4.2, loss: 1.01, seconds: 2 },
      { slug: 'poor', ratio: 4.2, loss: 2, seconds: 0.5 },
      { slug: 'trained', trains: true, ratio: 4.1, loss: 0.9, seconds: 100 },
      { slug: 'trained-less', trains: true, ratio: 4.1, loss: 0.91, seconds: 60 },
    ]).get(4);
    expect(line?.lowCostTied).toEqual(['cheap']);
    expect(line?.computeRatio).toMatchObject({
      cheapestLowCost: 'cheap',
      cheapestHighCost: 'trained-less',
      least: { value: 30, interval: null },
      most: { value: 50, interval: null },
    });
  });
});

describe('computeRatio', () => {
  const side = (own: Compute) => ({ best: { slug: 'a', compute: own }, tied: [] });

  it('has an interval from the spread of both costs', () => {
    // Costs 9, 10, 11 and 1.9, 2, 2.1: relative standard errors 0.1/√3 and 0.05/√3; t of 2 degrees of freedom is 4.3027.
    const ratio = computeRatio(side(compute(10, 1)), side(compute(2, 0.1)));
    if (typeof ratio === 'string') throw new Error(ratio);
    const half = 4.302652729911275 * Math.sqrt((0.1 ** 2 + 0.05 ** 2) / 3);
    expect(ratio.least.interval?.low).toBeCloseTo(5 * Math.exp(-half), 6);
    expect(ratio.least.interval?.high).toBeCloseTo(5 * Math.exp(half), 6);
  });

  it('is absent for costs below 0.2 s and for seconds of different kinds', () => {
    expect(computeRatio(side(compute(10)), side(compute(0.19)))).toContain('too small');
    expect(computeRatio(side({ ...compute(10), unit: 'accelerator' }), side(compute(2)))).toContain('accelerator');
  });
});

describe('meanOver', () => {
  const curve: CurvePoint[] = [
    { index: 0, size: 0 },
    { index: 1, size: 2 },
    { index: 2, size: 3 },
  ];
  const heights = [5, 1, 4];
  const meanOf = (range: { from: number; to: number }) =>
    [...meanOver(curve, range)].reduce((sum, [index, share]) => sum + share * (heights[index] ?? NaN), 0);

  it('is the area between the piecewise linear curves divided by its width', () => {
    // Trapezoids: 2 × 3 over [0, 2] and 2.5 over [2, 3].
    expect(meanOf({ from: 0, to: 3 })).toBeCloseTo((6 + 2.5) / 3, 12);
    // From height 3 at 1 to 1 at 2, then to 2.5 at 2.5.
    expect(meanOf({ from: 1, to: 2.5 })).toBeCloseTo((2 + 0.875) / 1.5, 12);
    expect([...meanOver(curve, { from: 1, to: 2.5 }).values()].reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  });
});
