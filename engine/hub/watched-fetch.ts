/**
 * fetch with timeouts: fails when headers take longer than `connectTimeoutMs`, or when the body pauses for
 * `idleTimeoutMs`.
 * Failures that a retry may fix are TransientErrors.
 */
import { retryAfterMs, TransientError } from './retry.ts';

export interface WatchedFetchOptions {
  readonly fetch: typeof fetch;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

export interface WatchedResponse {
  readonly response: Response;
  /** The body's chunks; throws TransientError when it breaks off or pauses too long. */
  chunks(): AsyncGenerator<Uint8Array>;
  /** Closes the connection; needed when the body is not read to its end. */
  cancel(): void;
}

/** Retryable statuses: 408 and 425 ask for a retry, 429 limits the rate, 5xx are server errors. */
function isTransientStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

export async function watchedFetch(
  url: string | URL,
  init: RequestInit,
  options: WatchedFetchOptions,
): Promise<WatchedResponse> {
  const controller = new AbortController();
  const connectTimer = setTimeout(() => controller.abort(), options.connectTimeoutMs);
  let response: Response;
  try {
    response = await options.fetch(url, { ...init, signal: controller.signal });
  } catch (cause) {
    if (controller.signal.aborted) {
      throw new TransientError(`no answer within ${options.connectTimeoutMs} ms`, { cause });
    }
    throw new TransientError(`connection failed: ${reasonOf(cause)}`, { cause });
  } finally {
    clearTimeout(connectTimer);
  }
  if (isTransientStatus(response.status)) {
    const wait = retryAfterMs(response.headers.get('retry-after'), Date.now());
    controller.abort();
    throw new TransientError(`the server answered ${response.status}`, { retryAfterMs: wait });
  }

  async function* chunks(): AsyncGenerator<Uint8Array> {
    if (!response.body) return;
    const reader = response.body.getReader();
    for (;;) {
      const idleTimer = setTimeout(() => controller.abort(), options.idleTimeoutMs);
      let result: Awaited<ReturnType<typeof reader.read>>;
      try {
        result = await reader.read();
      } catch (cause) {
        const silent = controller.signal.aborted;
        const what = silent
          ? `the server sent nothing for ${options.idleTimeoutMs} ms`
          : `the body broke off: ${reasonOf(cause)}`;
        throw new TransientError(what, { cause });
      } finally {
        clearTimeout(idleTimer);
      }
      if (result.done) return;
      yield result.value;
    }
  }

  return { response, chunks, cancel: () => controller.abort() };
}

/** The innermost cause of a fetch failure: undici wraps errors such as `ECONNREFUSED` in "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  const code = (error as NodeJS.ErrnoException).code;
  return code ?? error.message;
}

const UNREACHABLE = new Set(['ENOTFOUND', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'EAI_AGAIN', 'EAI_FAIL']);

/** Whether no connection could be opened at all: no network, unknown host, or connection refused. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof AggregateError && error.errors.some(isUnreachable)) return true;
  if (!(error instanceof Error)) return false;
  return UNREACHABLE.has((error as NodeJS.ErrnoException).code ?? '') || isUnreachable(error.cause);
}

/** A response read to its end, so that a stalled body counts as a failed attempt. */
export async function wholeResponse(
  url: string | URL,
  init: RequestInit,
  http: WatchedFetchOptions,
): Promise<Response> {
  const { response, chunks } = await watchedFetch(url, init, http);
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks()) parts.push(chunk);
  return new Response(Buffer.concat(parts), { status: response.status, headers: response.headers });
}
