import { describe, expect, it } from 'vitest';
import { orderOfNight } from '../../../cli/setup/nightly-run.ts';
import { planTrials } from '../../../harness/plan/plan.ts';
import { runnerOf } from '../../support/rows.ts';
import { methodRegistration, tinyEntry } from '../../support/tiny-suite.ts';

const DAY_MS = 86_400_000;

describe('orderOfNight', () => {
  it('puts dense first, and every other trial into the first part of one night of each week', async () => {
    const registrations = await Promise.all(
      ['quantization/rtn', 'control/dense', 'quantization/gptq'].map(methodRegistration),
    );
    const variants = registrations.flatMap((registration) =>
      Object.keys(registration.method.variants).map((variant) => ({ registration, variant })),
    );
    const plan = planTrials([tinyEntry(variants, [0, 1, 2])], runnerOf());
    const keys = (night: number) => orderOfNight(new Date(night * DAY_MS))(plan).map(({ key }) => key);
    const dense = plan.find(({ registration }) => registration.method.id === 'dense')?.key;
    const firsts = new Set<string>();
    for (let night = 0; night < 7; night++) {
      const order = keys(night);
      expect(order[0]).toBe(dense);
      expect(order.toSorted()).toEqual(plan.map(({ key }) => key).toSorted());
      // What comes after tonight's part is what the next night begins with.
      const next = keys(night + 1);
      const part = order.slice(1, order.indexOf(next[1] ?? ''));
      for (const key of part) firsts.add(key);
      expect(next.slice(-part.length).toSorted()).toEqual(part.toSorted());
    }
    expect(firsts.size).toBe(plan.length - 1);
    expect(keys(7)).toEqual(keys(0));
  });
});
