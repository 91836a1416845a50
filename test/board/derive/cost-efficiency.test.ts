import { describe, expect, it } from 'vitest';
import { computeOf, costEfficiency, qualityKept } from '../../../board/derive/cost-efficiency.ts';
import { costOf } from '../../support/rows.ts';

const at = (value: number) => ({ value, low: value, high: value });

describe('qualityKept', () => {
  it('is dense perplexity over perplexity', () => {
    expect(qualityKept({ metric: 'perplexity', estimate: at(5), dense: 4 })).toBe(0.8);
    expect(qualityKept({ metric: 'perplexity', estimate: at(4), dense: 4 })).toBe(1);
  });

  it('measures accuracy from chance level, and is never negative', () => {
    const kept = (value: number) => qualityKept({ metric: 'choice-accuracy', estimate: at(value), dense: 0.9 }, 0.5);
    expect(kept(0.7)).toBeCloseTo(0.5, 12);
    expect(kept(0.5)).toBe(0);
    expect(kept(0.3)).toBe(0);
  });

  it('is unknown where dense scores at chance level', () => {
    expect(qualityKept({ metric: 'choice-accuracy', estimate: at(0.6), dense: 0.5 }, 0.5)).toBeNull();
  });
});

describe('computeOf', () => {
  it('uses accelerator seconds where an accelerator was used', () => {
    const cost = { ...costOf('some'), cpuSeconds: 7, deviceSeconds: 3 };
    expect(computeOf(cost)).toEqual({ seconds: 3, unit: 'accelerator' });
    expect(computeOf({ ...cost, deviceSeconds: null })).toEqual({ seconds: 7, unit: 'processor' });
  });
});

describe('costEfficiency', () => {
  it('is quality kept times size reduction over compute', () => {
    const compute = { seconds: 2, unit: 'processor' } as const;
    expect(costEfficiency({ kept: 0.9, ratio: 4, compute })).toBeCloseTo(1.8, 12);
    expect(costEfficiency({ kept: null, ratio: 4, compute })).toBeNull();
    expect(costEfficiency({ kept: 0.9, ratio: null, compute })).toBeNull();
    expect(costEfficiency({ kept: 0.9, ratio: 4, compute: { ...compute, seconds: 0 } })).toBeNull();
  });
});
