import { describe, expect, it } from 'vitest';
import { qualityScale } from '../../site/lib/quality-scale.ts';
import { boardRowOf, boardViewOf } from '../support/board-row.ts';

const at = (value: number) => boardRowOf(`q/${value}`, { quality: { value, low: value, high: value } });

describe('qualityScale', () => {
  it('puts better values up: low perplexities and high accuracies', () => {
    const loss = qualityScale(boardViewOf([]), [at(4), at(8)]);
    expect(loss.toShare(4)).toBeGreaterThan(loss.toShare(8));
    const accuracy = boardViewOf([], {
      metric: 'choice-accuracy',
      higherIsBetter: true,
      denseQuality: 0.9,
      chance: 0.25,
    });
    const share = qualityScale(accuracy, [at(0.4), at(0.8)]);
    expect(share.toShare(0.8)).toBeGreaterThan(share.toShare(0.4));
    expect(share.toShare(0.25)).toBeGreaterThanOrEqual(0);
  });

  it('cuts off unusable values and says which', () => {
    const scale = qualityScale(boardViewOf([]), [at(4), at(1e6)]);
    expect(scale.isBeyond(1e6)).toBe(true);
    expect(scale.isBeyond(4)).toBe(false);
    expect(scale.toShare(4)).toBeGreaterThan(0.9);
  });

  it('works without any value', () => {
    const scale = qualityScale(boardViewOf([], { denseQuality: null }), []);
    expect(Number.isFinite(scale.toShare(3))).toBe(true);
    expect(scale.ticks.length).toBeGreaterThan(0);
  });
});
