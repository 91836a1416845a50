import { describe, expect, it } from 'vitest';
import type { Items } from '../../../contracts/result.ts';
import type { SeedKind } from '../../../numerics/statistics/compare-entries.ts';
import {
  type Evidence,
  type MeasuredSide,
  settleVerdicts,
  weighQuality,
  weighRatio,
} from '../../../numerics/statistics/judge-relation.ts';
import type { EntryItems } from '../../../numerics/statistics/pair-entries.ts';
import type { Expectation } from '../../../numerics/statistics/relation-claim.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { itemsOf } from '../../support/rows.ts';

const dense = itemsOf('same', 60);

/** The same outcomes with `nats` more loss per decision, and noise of its own. */
function worseBy(nats: number, noise = 0): Items {
  const random = createRandom(`noise ${nats} ${noise}`);
  return {
    ...dense,
    negativeLogLikelihood: dense.negativeLogLikelihood.map(
      (loss, at) => loss + (dense.tokens[at] as number) * (nats + noise * random.normal()),
    ),
  };
}

const entry = (bySeed: readonly Items[], seeds?: SeedKind): EntryItems => ({
  bySeed,
  seeds: seeds ?? (bySeed.length === 1 ? 'same artifact' : 'drawn'),
  seedNumbers: bySeed.map((_, seed) => seed),
});

function quality(first: EntryItems, second: EntryItems, expected: Expectation): Evidence {
  return weighQuality({ first, second, expected, metric: 'perplexity' });
}

const verdict = (evidence: Evidence) => settleVerdicts([evidence])[0]?.verdict;

describe('weighQuality', () => {
  it('shows better where the interval over items and seeds is on the right side and every seed agrees', () => {
    const evidence = quality(
      entry([worseBy(0.1), worseBy(0.2), worseBy(0.15)]),
      entry([worseBy(0.5), worseBy(0.52), worseBy(0.48)]),
      'better',
    );
    expect(evidence.estimate.value).toBeCloseTo(-0.35, 9);
    expect(evidence.bySeed.map((value) => Number(value.toFixed(9)))).toEqual([-0.4, -0.32, -0.33]);
    expect(verdict(evidence)).toBe('shown');
    expect(evidence.about).toBe('the methods');
  });

  it('shows nothing where the spread of seeds is large, although items alone would suffice', () => {
    const seeds = [worseBy(0), worseBy(0.6), worseBy(0.1)];
    expect(verdict(quality(entry(seeds), entry([worseBy(0.5)]), 'better'))).toBe('not shown');
    expect(verdict(quality(entry([seeds[0] as Items], 'one seed'), entry([worseBy(0.5)]), 'better'))).toBe('shown');
  });

  it('refutes only where every seed disagrees', () => {
    const [low, high] = [entry([worseBy(0.2), worseBy(0.21), worseBy(0.2)]), entry([worseBy(0.1)])];
    expect(verdict(quality(low, high, 'better'))).toBe('refuted');
    const split = { ...quality(low, high, 'better'), everySeedAgrees: false };
    expect(verdict(split)).toBe('not shown');
  });

  it('holds not worse, not better and equal only within the margin of 0.5 %', () => {
    const against = (nats: number, noise: number, expected: Expectation) =>
      verdict(quality(entry([worseBy(nats, noise)]), entry([dense]), expected));
    expect(against(0.001, 0.001, 'not worse')).toBe('shown');
    expect(against(0.02, 0.001, 'not worse')).toBe('refuted');
    expect(against(0, 1, 'not worse')).toBe('not shown');
    expect(against(-0.001, 0.001, 'not better')).toBe('shown');
    expect(against(-0.02, 0.001, 'not better')).toBe('refuted');
    expect(against(0, 1, 'not better')).toBe('not shown');
    expect(against(0.001, 0.001, 'equal')).toBe('shown');
    expect(against(0.02, 0.001, 'equal')).toBe('refuted');
    expect(against(-0.02, 0.001, 'equal')).toBe('refuted');
    expect(against(0, 1, 'equal')).toBe('not shown');
  });

  it('judges accuracies by correct decisions, higher being better, within one point', () => {
    const right = (share: number): Items => ({
      ...itemsOf('choices', 2000),
      tokens: Array.from({ length: 2000 }, () => 1),
      correct: Array.from({ length: 2000 }, (_, at) => (at < 2000 * share ? 1 : 0)),
    });
    const judged = (first: number, second: number, expected: Expectation) =>
      weighQuality({
        first: entry([right(first)]),
        second: entry([right(second)]),
        expected,
        metric: 'classification-accuracy',
      });
    expect(judged(0.7, 0.6, 'better').estimate.value).toBeCloseTo(0.1, 9);
    expect(verdict(judged(0.7, 0.6, 'better'))).toBe('shown');
    expect(verdict(judged(0.6, 0.7, 'not worse'))).toBe('refuted');
    expect(verdict(judged(0.6, 0.601, 'not worse'))).toBe('shown');
    expect(verdict(judged(0.6, 0.608, 'not worse'))).toBe('not shown');
  });

  it('refuses a single seed against several, and marks one against one', () => {
    const several = entry([worseBy(0.1), worseBy(0.2)]);
    expect(() => quality(entry([dense], 'one seed'), several, 'better')).toThrow(
      'one side has a single seed, the other 2 different artifacts',
    );
    expect(quality(entry([dense], 'one seed'), entry([dense]), 'equal').about).toBe('these artifacts');
    expect(quality(entry([dense]), several, 'better').bySeed).toHaveLength(2);
  });

  it('judges identical outcomes as equal, and better as refuted', () => {
    expect(verdict(quality(entry([dense]), entry([dense]), 'equal'))).toBe('shown');
    expect(verdict(quality(entry([dense]), entry([dense]), 'better'))).toBe('refuted');
  });
});

describe('weighRatio', () => {
  const around = (value: number, share = 0.02) => ({ value, low: value * (1 - share), high: value / (1 - share) });
  const side = (...values: readonly number[]): MeasuredSide => ({
    estimates: values.map((value) => around(value)),
    seeds: 'drawn',
  });
  const times = (first: MeasuredSide, second: MeasuredSide, expected: Expectation) =>
    weighRatio({ first, second, expected, metric: 'latency' });

  it('divides geometric means, with the spread between processes in the interval', () => {
    const evidence = times(side(1, 1.02, 0.99), side(2, 2.04, 1.98), 'better');
    expect(evidence.estimate.value).toBeCloseTo(0.5, 9);
    expect(evidence.bySeed).toEqual([0.5, 0.5, 0.5].map((value) => expect.closeTo(value, 9)));
    expect(verdict(evidence)).toBe('shown');
    const width = ({ estimate: { low, high } }: Evidence) => high / low;
    expect(width(times(side(1, 1.2, 0.9), side(2, 2.04, 1.98), 'better'))).toBeGreaterThan(1.3 * width(evidence));
  });

  it('shows not slower within 3 %, and shows nothing that is smaller than the spread of processes', () => {
    const precise = (value: number): MeasuredSide => ({
      estimates: [0.999, 1, 1.001].map((factor) => around(value * factor, 0.003)),
      seeds: 'same artifact',
    });
    expect(verdict(times(precise(1.01), precise(1), 'not worse'))).toBe('shown');
    expect(verdict(times(precise(1.06), precise(1), 'not worse'))).toBe('refuted');
    expect(verdict(times(side(1.01, 1.06, 0.96), side(1, 1.05, 0.95), 'not worse'))).toBe('not shown');
    expect(verdict(times(side(1.01, 1.06, 0.96), side(1, 1.05, 0.95), 'not better'))).toBe('not shown');
  });

  it('compares bytes exactly, without a margin', () => {
    const bytes = (...values: readonly number[]): MeasuredSide => ({
      estimates: values.map((value) => ({ value, low: value, high: value })),
      seeds: 'same artifact',
    });
    const size = (first: MeasuredSide, second: MeasuredSide, expected: Expectation) =>
      verdict(weighRatio({ first, second, expected, metric: 'size' }));
    expect(size(bytes(999), bytes(1000), 'better')).toBe('shown');
    expect(size(bytes(1000), bytes(1000), 'better')).toBe('refuted');
    expect(size(bytes(1000), bytes(1000), 'not better')).toBe('shown');
    expect(size(bytes(999), bytes(1000), 'not better')).toBe('refuted');
    expect(size(bytes(900, 1100), bytes(1050), 'better')).toBe('not shown');
  });
});

describe('settleVerdicts', () => {
  it('corrects relations judged together', () => {
    const evidence: Evidence = {
      estimate: { value: -1, low: -2, high: -0.1 },
      bySeed: [-1],
      lowerIsBetter: true,
      about: 'the methods',
      leaning: 'shown',
      everySeedAgrees: true,
      pValue: 0.02,
    };
    expect(settleVerdicts([evidence]).map(({ verdict: found }) => found)).toEqual(['shown']);
    const three = settleVerdicts([evidence, { ...evidence, pValue: 0.001 }, evidence]);
    expect(three.map(({ verdict: found }) => found)).toEqual(['shown', 'shown', 'shown']);
    const four = settleVerdicts([evidence, evidence, evidence, { ...evidence, pValue: 0.5 }]);
    expect(four.map(({ verdict: found }) => found)).toEqual(Array.from({ length: 4 }, () => 'not shown'));
  });
});
