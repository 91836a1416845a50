/** The hub cache tests read from: HF_HUB_CACHE, else ../shared/hub beside the repository, else none. Never the network. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModelHub } from '../../contracts/dataset.ts';
import { createHubClient } from '../../engine/hub/hub-client.ts';

const SHARED = fileURLToPath(new URL('../../../shared/hub', import.meta.url));

export const hubCacheDir: string | undefined = process.env['HF_HUB_CACHE'] || (existsSync(SHARED) ? SHARED : undefined);

/** For `it.skipIf(noHubCache)`: why tests on hub data are skipped, or false. */
export const noHubCache: string | false =
  hubCacheDir === undefined &&
  'no hub cache: set HF_HUB_CACHE to one that has karpathy/tinyllamas, TinyStories and WikiText';

/** A client over that cache that fails at the first request to the network; at the first file when there is no cache. */
export function cachedHub(): ModelHub {
  if (hubCacheDir === undefined) {
    const refuse = ({ repo, path }: { readonly repo: string; readonly path: string }) =>
      Promise.reject(new Error(`${repo}: ${path}: ${String(noHubCache)}`));
    return { file: refuse, locate: refuse };
  }
  return createHubClient({
    cacheDir: hubCacheDir,
    fetch: (url) => Promise.reject(new Error(`tests do not use the network: ${String(url)}`)),
    attempts: 1,
  });
}
