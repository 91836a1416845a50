import { describe, expect, it } from 'vitest';
import { retryAfterMs, type RetryPolicy, TransientError, withRetries } from '../../../engine/hub/retry.ts';

function policy(waits: number[]): RetryPolicy {
  return {
    attempts: 3,
    firstDelayMs: 100,
    longestDelayMs: 1_000,
    sleep: (delayMs) => {
      waits.push(delayMs);
      return Promise.resolve();
    },
  };
}

/** Fails with each error in turn, then gives 'done'. */
function failing(...errors: Error[]): () => Promise<string> {
  return () => {
    const error = errors.shift();
    return error ? Promise.reject(error) : Promise.resolve('done');
  };
}

describe('withRetries', () => {
  it('doubles the wait with each try and returns the result', async () => {
    const waits: number[] = [];
    expect(await withRetries(policy(waits), failing(new TransientError('a'), new TransientError('b')))).toBe('done');
    expect(waits).toEqual([100, 200]);
  });

  it('throws the last error when the tries are used up', async () => {
    const errors = ['a', 'b', 'c', 'd'].map((message) => new TransientError(message));
    await expect(withRetries(policy([]), failing(...errors))).rejects.toThrow('c');
  });

  it('restarts the count after progress', async () => {
    const waits: number[] = [];
    const errors = Array.from({ length: 6 }, () => new TransientError('cut', { madeProgress: true }));
    expect(await withRetries(policy(waits), failing(...errors))).toBe('done');
    expect(waits).toEqual([100, 100, 100, 100, 100, 100]);
  });

  it('waits as long as the server asks, within the limit', async () => {
    const waits: number[] = [];
    expect(await withRetries(policy(waits), failing(new TransientError('a', { retryAfterMs: 1_000 })))).toBe('done');
    expect(waits).toEqual([1_000]);
    await expect(withRetries(policy([]), failing(new TransientError('b', { retryAfterMs: 1_001 })))).rejects.toThrow(
      'b',
    );
  });

  it('does not retry errors that a retry cannot fix', async () => {
    const waits: number[] = [];
    await expect(withRetries(policy(waits), failing(new Error('defect')))).rejects.toThrow('defect');
    expect(waits).toEqual([]);
  });
});

describe('retryAfterMs', () => {
  it('reads seconds and dates only', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(retryAfterMs('120', now)).toBe(120_000);
    expect(retryAfterMs('0', now)).toBe(0);
    expect(retryAfterMs('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000);
    expect(retryAfterMs('Thu, 01 Jan 2025 00:00:00 GMT', now)).toBe(0);
    expect(retryAfterMs('soon', now)).toBeUndefined();
    expect(retryAfterMs('', now)).toBeUndefined();
    expect(retryAfterMs(null, now)).toBeUndefined();
  });
});
