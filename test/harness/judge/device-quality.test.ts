import { describe, expect, it } from 'vitest';
import { PROTOCOL } from '../../../contracts/protocol.ts';
import { deviceQuality, qualityFinding } from '../../../harness/judge/device-quality.ts';
import { evaluationOf, trialOf } from '../../support/rows.ts';

const { quality, outcomes: items } = evaluationOf(trialOf(), { itemCount: 4 });
const onCpu = { quality, items };
/** Every decision of an item dearer by so many nats; so many of an item's decisions turned right. */
const moved = (nats: readonly number[], turned = [0, 0, 0, 0]) => ({
  quality,
  items: {
    ...items,
    negativeLogLikelihood: items.negativeLogLikelihood.map(
      (loss, item) => loss + (nats[item] as number) * (items.tokens[item] as number),
    ),
    correct: items.correct.map((correct, item) => correct + (turned[item] as number)),
  },
});

describe('deviceQuality', () => {
  it('takes means and the largest over items, whatever their sign', () => {
    const found = deviceQuality('task', moved([1e-4, -3e-4, 0, 0]), onCpu);
    expect(found.meanDifference).toBeCloseTo(1e-4, 10);
    expect(found.largestDifference).toBeCloseTo(3e-4, 10);
    expect(found).toMatchObject({ task: 'task', items: quality.items, decisions: quality.tokens, changedDecisions: 0 });
    expect(found.withinTolerance).toBe(true);
    expect(qualityFinding('webgpu', found)).toBeUndefined();
  });

  it.each([
    ['the mean', moved([2e-3, 2e-3, 2e-3, 2e-3])],
    ['one item', moved([0.5 * PROTOCOL.device.itemTolerance, 0, 0, 0].map((nats, i) => (i === 3 ? -0.011 : nats)))],
    ['changed decisions', moved([0, 0, 0, 0], [Math.ceil(0.01 * quality.tokens), 0, 0, 0])],
  ])('is a finding when %s is beyond tolerance', (_, onDevice) => {
    const found = deviceQuality('stories', onDevice, onCpu);
    expect(found.withinTolerance).toBe(false);
    expect(qualityFinding('cuda', found)).toMatch(/^stories differs between cuda and the CPU beyond tolerance/);
  });
});
