import { describe, expect, it } from 'vitest';
import type { PairedSamples } from '../../../harness/measure/time-both-orders.ts';
import { steadier, summarizeLatency } from '../../../harness/measure/summarize-latency.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';

const random = createRandom('samples');
const around = (ms: number, noise: number) => Array.from({ length: 8 }, () => ms * Math.exp(noise * random.normal()));
const process = (ratio: number, noise = 0.02): PairedSamples => ({
  samplesMs: around(2, noise),
  denseSamplesMs: around(2 * ratio, noise),
});
const SHAPE = { batch: 8, sequence: 128, threads: 1 };

describe('summarizeLatency', () => {
  it('gives median, tail and the geometric mean of the processes’ ratios', () => {
    const latency = summarizeLatency(SHAPE, [
      { samplesMs: [1, 1, 3], denseSamplesMs: [2, 2, 6] },
      { samplesMs: [1, 1, 1], denseSamplesMs: [8, 8, 8] },
    ]);
    expect(latency).toMatchObject({ shape: '8x128', threads: 1, processes: [0, 0, 0, 1, 1, 1], p50Ms: 1 });
    expect(latency.speedUp.value).toBeCloseTo(4, 12);
  });

  it('takes the process as the unit of the interval: t over the logarithms of three ratios', () => {
    const { speedUp } = summarizeLatency(SHAPE, [process(1, 0), process(1.02, 0), process(1.05, 0)]);
    // scipy.stats.t.interval(0.95, 2, mean(x), sem(x)), x = log([1, 1.02, 1.05])
    expect(Math.log(speedUp.value)).toBeCloseTo(0.022_864_263_8, 9);
    expect(Math.log(speedUp.low)).toBeCloseTo(-0.038_093_370_0, 9);
    expect(Math.log(speedUp.high)).toBeCloseTo(0.083_821_897_7, 9);
  });

  it('covers the true ratio in about 95 % of cases although processes differ by 2.5 %', () => {
    let covered = 0;
    const trials = 2000;
    for (let trial = 0; trial < trials; trial++) {
      const processes = [0, 1, 2].map(() => process(1.5 * Math.exp(0.025 * random.normal())));
      const { low, high } = summarizeLatency(SHAPE, processes).speedUp;
      if (low <= 1.5 && 1.5 <= high) covered++;
    }
    expect(covered / trials).toBeGreaterThan(0.93);
    expect(covered / trials).toBeLessThan(0.97);
  });

  it('is noisy when either side is noisy in any process', () => {
    const noisy = (first: PairedSamples) => summarizeLatency(SHAPE, [first, process(1)]).noisy;
    expect(noisy(process(1))).toBe(false);
    expect(noisy({ samplesMs: around(2, 0.9), denseSamplesMs: around(2, 0.01) })).toBe(true);
    expect(noisy({ samplesMs: around(2, 0.01), denseSamplesMs: around(2, 0.9) })).toBe(true);
  });

  it('is noisy when one process is far from the others, although each has a single round', () => {
    const lone = (ms: number): PairedSamples => ({ samplesMs: [ms], denseSamplesMs: [2] });
    expect(summarizeLatency(SHAPE, [lone(1), lone(1.1), lone(1)]).noisy).toBe(false);
    expect(summarizeLatency(SHAPE, [lone(1), lone(2), lone(1)]).noisy).toBe(true);
  });

  it('distinguishes the shape on all cores', () => {
    expect(summarizeLatency({ ...SHAPE, threads: 4 }, [process(1), process(1)]).shape).toBe('8x128-all-cores');
  });
});

it('keeps the steadier of two timings, shape by shape', () => {
  const calm = summarizeLatency(SHAPE, [process(1, 0.001), process(1.001, 0.001)]);
  const wild = summarizeLatency(SHAPE, [process(1, 0.01), process(1.2, 0.01)]);
  expect(steadier([calm], [wild])).toEqual([calm]);
  expect(steadier([wild], [calm])).toEqual([calm]);
});
