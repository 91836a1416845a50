import { describe, expect, it } from 'vitest';
import { shapeLatencySchema } from '../../../contracts/result.ts';
import { summarizeSamples, timeAlternating } from '../../../harness/measure/latency.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import * as v from 'valibot';

/** A clock that stands still but for the functions timed, each taking a set time. */
function clockwork(durations: { candidate: () => number; dense: () => number }) {
  let time = 0;
  const calls: string[] = [];
  const side = (name: 'candidate' | 'dense') => async () => {
    calls.push(name);
    time += durations[name]();
  };
  return { now: () => time, calls, pair: { candidate: side('candidate'), dense: side('dense') } };
}

describe('timeAlternating', () => {
  it('gives the time per call of each, whatever the number of calls in a round', async () => {
    const { now, pair } = clockwork({ candidate: () => 2, dense: () => 5 });
    const samples = await timeAlternating(pair, { warmUpRuns: 2, warmUpMs: 0, rounds: 4, minimumSampleMs: 10, now });
    expect(samples).toEqual({ samplesMs: [2, 2, 2, 2], denseSamplesMs: [5, 5, 5, 5] });
  });

  it('warms both up by calls and by time, then lets the first to go alternate', async () => {
    const { now, pair, calls } = clockwork({ candidate: () => 2, dense: () => 5 });
    const run = { warmUpRuns: 1, warmUpMs: 14, rounds: 3, minimumSampleMs: 4, now };
    await timeAlternating(pair, run);
    const [c, d] = ['candidate', 'dense'];
    const warmUp = [c, d, c, d];
    expect(calls).toEqual([...warmUp, c, c, d, d, c, c, c, c, d]);
    calls.length = 0;
    await timeAlternating(pair, { ...run, warmUpRuns: 3, warmUpMs: 0, rounds: 1 });
    expect(calls.slice(0, 6)).toEqual([c, d, c, d, c, d]);
  });

  it('cancels a drift that falls on both', async () => {
    let slowness = 1;
    const drift = (ms: number) => () => ms * (slowness *= 1.02);
    const { now, pair } = clockwork({ candidate: drift(2), dense: drift(4) });
    const samples = await timeAlternating(pair, { warmUpRuns: 0, warmUpMs: 0, rounds: 30, minimumSampleMs: 1, now });
    const { speedUp, p50Ms } = summarizeSamples({ batch: 1, sequence: 1 }, samples);
    expect(p50Ms).toBeGreaterThan(3);
    expect(Math.abs(speedUp.value - 2)).toBeLessThan(0.05);
  });

  it('passes on what a call throws', async () => {
    const pair = { candidate: () => Promise.reject(new Error('out of device memory')), dense: async () => undefined };
    const run = timeAlternating(pair, { warmUpRuns: 0, warmUpMs: 0, rounds: 1, minimumSampleMs: 1 });
    await expect(run).rejects.toThrow('out of device memory');
  });
});

describe('summarizeSamples', () => {
  const random = createRandom('samples');
  const around = (ms: number, noise: number) =>
    Array.from({ length: 30 }, () => ms * Math.exp(noise * random.normal()));

  it('gives median, tail and a paired speed-up that holds the truth', () => {
    const latency = summarizeSamples(
      { batch: 8, sequence: 128 },
      { samplesMs: around(2, 0.05), denseSamplesMs: around(6, 0.05) },
    );
    expect(v.parse(shapeLatencySchema, latency)).toEqual(latency);
    expect(latency).toMatchObject({ shape: '8x128', batch: 8, sequence: 128, noisy: false });
    expect(latency.speedUp.low).toBeLessThan(3);
    expect(latency.speedUp.high).toBeGreaterThan(3);
    expect(latency.p95Ms).toBeGreaterThan(latency.p50Ms);
  });

  it('marks a row noisy when either side is', () => {
    const [quiet, wild] = [around(2, 0.02), around(2, 0.6)];
    const noisy = (samplesMs: number[], denseSamplesMs: number[]) =>
      summarizeSamples({ batch: 1, sequence: 1 }, { samplesMs, denseSamplesMs }).noisy;
    expect([noisy(quiet, quiet), noisy(wild, quiet), noisy(quiet, wild)]).toEqual([false, true, true]);
  });
});
