import { describe, expect, it } from 'vitest';
import type { Compute, EntryLatency } from '../../../contracts/derived.ts';
import { breakEven, denseSide } from '../../../board/derive/break-even.ts';

const SHAPE = { shape: '8x128', batch: 8, sequence: 128 };

function timing(speedUp: number, spread = 0.01): Pick<EntryLatency, 'denseP50Ms' | 'speedUp' | 'noisy'> {
  const interval = { value: speedUp, low: speedUp * (1 - spread), high: speedUp * (1 + spread) };
  return { denseP50Ms: 100, speedUp: interval, noisy: false };
}

function compute(seconds: number): Compute {
  return { seconds, unit: 'processor', runs: 1, deviation: null };
}

describe('breakEven', () => {
  it('divides the extra compute by what a call saves', () => {
    const found = breakEven(SHAPE, {
      costly: { compute: compute(110), timing: timing(2) },
      cheap: { compute: compute(10), timing: timing(1) },
      provider: 'cpu',
    });
    // Dense takes 0.1 s a call, the costly one half of it: 0.05 s saved, 100 s to pay back.
    expect(found.requests?.value).toBeCloseTo(2000, 9);
    expect(found.tokens?.value).toBeCloseTo(2000 * 8 * 128, 6);
    expect(found.requests?.low).toBeCloseTo(100 / (0.1 / 0.99 - 0.1 / 2.02), 9);
    expect(found.requests?.high).toBeCloseTo(100 / (0.1 / 1.01 - 0.1 / 1.98), 9);
    expect(found.reason).toBeNull();
  });

  it('breaks even after exactly n calls', () => {
    const [costly, cheap] = [3, 1.25].map((speedUp) => timing(speedUp, 0));
    const { requests } = breakEven(SHAPE, {
      costly: { compute: compute(40), timing: costly ?? null },
      cheap: { compute: compute(1), timing: cheap ?? null },
      provider: 'cpu',
    });
    const n = requests?.value ?? 0;
    expect(40 + (n * 0.1) / 3).toBeCloseTo(1 + (n * 0.1) / 1.25, 9);
  });

  it.each([
    ['slower', { costly: timing(0.8), cheap: timing(1) }, 'never: its artifact is not faster'],
    ['no surely faster', { costly: timing(1.01), cheap: timing(1) }, 'the speeds cannot be told apart'],
    ['not timed', { costly: null, cheap: timing(1) }, 'not timed on this runner'],
    ['noisily timed', { costly: { ...timing(2), noisy: true }, cheap: timing(1) }, 'the timing is too noisy to tell'],
  ])('gives the reason where there is none: %s', (_, timings, reason) => {
    const found = breakEven(SHAPE, {
      costly: { compute: compute(100), timing: timings.costly },
      cheap: { compute: compute(1), timing: timings.cheap },
      provider: 'cpu',
    });
    expect(found).toMatchObject({ requests: null, tokens: null, reason });
  });

  it('is zero calls where the compute is no larger', () => {
    const sides = {
      costly: { compute: compute(1), timing: timing(2) },
      cheap: { compute: compute(1), timing: timing(1) },
    };
    expect(breakEven(SHAPE, { ...sides, provider: 'cpu' }).reason).toMatch('no more compute');
  });

  it('does not compare seconds of different kinds', () => {
    const accelerator = { compute: { seconds: 5, unit: 'accelerator' } as const, timing: timing(2) };
    const cheap = { compute: compute(1), timing: timing(1) };
    expect(breakEven(SHAPE, { costly: accelerator, cheap, provider: 'cpu' }).reason).toMatch('not the same thing');
    const both = { costly: accelerator, cheap: denseSide(timing(1), 'accelerator') };
    expect(breakEven(SHAPE, { ...both, provider: 'cpu' }).reason).toMatch('another kind of device');
    expect(breakEven(SHAPE, { ...both, provider: 'cuda' }).requests?.value).toBeCloseTo(100, 9);
  });

  it('treats dense as free and with speed-up 1', () => {
    const costly = { compute: compute(10), timing: timing(2) };
    const { requests } = breakEven(SHAPE, { costly, cheap: denseSide(timing(2), 'processor'), provider: 'cpu' });
    expect(requests?.value).toBeCloseTo(200, 9);
  });
});
