/**
 * Settings of the hub and its cache: options first, then the environment variables that Python's huggingface_hub reads.
 */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { getHFHubCachePath } from '@huggingface/hub';
import type { RetryPolicy } from './retry.ts';
import type { WatchedFetchOptions } from './watched-fetch.ts';

export interface HubClientOptions {
  /** Default: HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub. */
  readonly cacheDir?: string;
  /** Default: HF_ENDPOINT, else https://huggingface.co. */
  readonly hubUrl?: string;
  /** Sent to the hub only; default: HF_TOKEN. */
  readonly token?: string;
  /** Read only the cache; default: whether HF_HUB_OFFLINE is 1, true, yes or on. */
  readonly offline?: boolean;
  readonly fetch?: typeof fetch;
  readonly connectTimeoutMs?: number;
  /** Longest pause within a response body. */
  readonly idleTimeoutMs?: number;
  readonly attempts?: number;
  readonly sleep?: RetryPolicy['sleep'];
}

export interface HubSettings {
  readonly cacheDir: string;
  /** Without a trailing slash. */
  readonly hubUrl: string;
  readonly hasToken: boolean;
  readonly offline: boolean;
  readonly http: WatchedFetchOptions;
  readonly retry: RetryPolicy;
}

/** Waits of 1, 2, 4, 8 s between five attempts outlast a restart of the hub's front end. */
const ATTEMPTS = 5;
const FIRST_DELAY_MS = 1_000;
/** The hub counts rate limits over five minutes; a longer Retry-After is reported instead of waited for. */
const LONGEST_DELAY_MS = 300_000;
const CONNECT_TIMEOUT_MS = 20_000;
const IDLE_TIMEOUT_MS = 30_000;

export function hubSettings(options: HubClientOptions): HubSettings {
  const hubUrl = (options.hubUrl ?? process.env['HF_ENDPOINT'] ?? 'https://huggingface.co').replace(/\/+$/, '');
  const token = (options.token ?? process.env['HF_TOKEN'] ?? '').trim();
  const plain = options.fetch ?? fetch;
  return {
    cacheDir: options.cacheDir ?? getHFHubCachePath(),
    hubUrl,
    hasToken: token !== '',
    offline: options.offline ?? /^(1|true|yes|on)$/i.test(process.env['HF_HUB_OFFLINE'] ?? ''),
    http: {
      fetch: token === '' ? plain : withToken(plain, { hubUrl, token }),
      connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      idleTimeoutMs: options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
    },
    retry: {
      attempts: options.attempts ?? ATTEMPTS,
      firstDelayMs: FIRST_DELAY_MS,
      longestDelayMs: LONGEST_DELAY_MS,
      sleep: options.sleep ?? ((delayMs) => sleepFor(delayMs)),
    },
  };
}

/** fetch drops the token header on a redirect to another host. */
function withToken(
  plain: typeof fetch,
  { hubUrl, token }: { readonly hubUrl: string; readonly token: string },
): typeof fetch {
  const { origin } = new URL(hubUrl);
  return (input, init) => {
    if (new URL(input instanceof Request ? input.url : input).origin !== origin) return plain(input, init);
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${token}`);
    return plain(input, { ...init, headers });
  };
}
