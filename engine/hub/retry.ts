/** Retries with exponential backoff. What may be tried again says so by being a TransientError. */

/** A failure that another try may cure: 5xx, 429, a broken connection, silence, a body that ended early. */
export class TransientError extends Error {
  /** Wait the server asked for. */
  readonly retryAfterMs: number | undefined;
  /** Bytes arrived before the failure, so the count of tries starts anew. */
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
  /** Tries without progress before the error is handed on. */
  readonly attempts: number;
  /** First wait; it doubles with each try. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  sleep(delayMs: number): Promise<void>;
}

/** Runs `operation` until it succeeds, fails with something else than TransientError, or the tries are used up. */
export async function withRetries<T>(policy: RetryPolicy, operation: () => Promise<T>): Promise<T> {
  for (let failures = 0; ;) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      failures = error.madeProgress ? 1 : failures + 1;
      if (failures >= policy.attempts) throw error;
      // A wait longer than ours is the server's to ask for, up to the limit; beyond it the caller should hear of it.
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
