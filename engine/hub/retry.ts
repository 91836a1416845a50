/** Retries with exponential backoff. Only a TransientError is retried. */

/** A failure that a retry may fix: 5xx, 429, a broken connection, a timeout, a truncated body. */
export class TransientError extends Error {
  /** Wait requested by the server. */
  readonly retryAfterMs: number | undefined;
  /** Bytes arrived before the failure, so the attempts are counted from zero again. */
  readonly madeProgress: boolean;

  constructor(
    message: string,
    options: {
      readonly cause?: unknown;
      readonly retryAfterMs?: number | undefined;
      readonly madeProgress?: boolean;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'TransientError';
    this.retryAfterMs = options.retryAfterMs;
    this.madeProgress = options.madeProgress ?? false;
  }
}

export interface RetryPolicy {
  /** Attempts without progress before the error is thrown. */
  readonly attempts: number;
  /** First wait; doubles with each attempt. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  sleep(delayMs: number): Promise<void>;
}

/** Runs `operation` until it succeeds, fails with another error than TransientError, or all attempts are used. */
export async function withRetries<T>(policy: RetryPolicy, operation: () => Promise<T>): Promise<T> {
  for (let failures = 0; ;) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      failures = error.madeProgress ? 1 : failures + 1;
      if (failures >= policy.attempts) throw error;
      // A server may request a longer wait than ours, up to the limit; beyond it the caller gets the error.
      if (error.retryAfterMs !== undefined && error.retryAfterMs > policy.longestDelayMs) throw error;
      const backoffMs = Math.min(policy.firstDelayMs * 2 ** (failures - 1), policy.longestDelayMs);
      await policy.sleep(Math.max(backoffMs, error.retryAfterMs ?? 0));
    }
  }
}

/** Milliseconds asked for by a Retry-After header (seconds or an HTTP date, RFC 9110 section 10.2.3). */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  if (header.trim() !== '' && Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
