/** Where the hub and its cache are and how it is asked: options first, then the variables that Python's huggingface_hub reads. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { getHFHubCachePath } from '@huggingface/hub';
import type { RetryPolicy } from './retry.ts';
import type { WatchedFetchOptions } from './watched-fetch.ts';

export interface HubClientOptions {
  /** Default: HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub. */
  readonly cacheDir?: string;
  /** Default: HF_ENDPOINT, else https://huggingface.co. */
  readonly hubUrl?: string;
  /** Sent to the hub alone; default: HF_TOKEN. */
  readonly token?: string;
  /** Nothing but the cache is read; default: whether HF_HUB_OFFLINE is 1, true, yes or on. */
  readonly offline?: boolean;
  readonly fetch?: typeof fetch;
  readonly connectTimeoutMs?: number;
  /** Longest silence within a body. */
  readonly idleTimeoutMs?: number;
  readonly attempts?: number;
  readonly sleep?: RetryPolicy['sleep'];
}

export interface HubSettings {
  readonly cacheDir: string;
  /** Without a slash at its end. */
  readonly hubUrl: string;
  readonly hasToken: boolean;
  readonly offline: boolean;
  readonly http: WatchedFetchOptions;
  readonly retry: RetryPolicy;
}

/** Waits of 1, 2, 4, 8 s between five tries outlast a restart of the hub's front end. */
const ATTEMPTS = 5;
const FIRST_DELAY_MS = 1_000;
/** The hub's rate limits are counted over five minutes; a longer Retry-After is reported instead of waited for. */
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

/** A redirect to another host goes without the token: fetch drops the header there. */
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
