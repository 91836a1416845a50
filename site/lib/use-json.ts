'use client';
/** A JSON file of the site, fetched once per page and kept. */
import { useEffect, useState } from 'react';
import { siteHref } from './paths.ts';

export type Fetched<T> =
  | { readonly state: 'none' }
  | { readonly state: 'loading' }
  | { readonly state: 'loaded'; readonly value: T }
  | { readonly state: 'failed'; readonly missing: boolean; readonly message: string };

const files = new Map<string, Promise<unknown>>();

class MissingFile extends Error {}

export function fetchJson<T>(path: string): Promise<T> {
  const known = files.get(path);
  if (known) return known as Promise<T>;
  const fetched = (async () => {
    const response = await fetch(siteHref(path));
    if (response.status === 404) throw new MissingFile(`${path}: there is no such file`);
    if (!response.ok) throw new Error(`${path}: the server answered ${response.status}`);
    return (await response.json()) as T;
  })();
  files.set(path, fetched);
  // A failure is not cached: the next request tries again.
  fetched.catch(() => files.delete(path));
  return fetched;
}

/** With `path` null nothing is fetched. */
export function useJson<T>(path: string | null): Fetched<T> {
  const [fetched, setFetched] = useState<{ readonly path: string | null; readonly result: Fetched<T> }>({
    path: null,
    result: { state: 'none' },
  });
  useEffect(() => {
    if (path === null) return;
    let current = true;
    fetchJson<T>(path).then(
      (value) => current && setFetched({ path, result: { state: 'loaded', value } }),
      (error: unknown) =>
        current &&
        setFetched({
          path,
          result: {
            state: 'failed',
            missing: error instanceof MissingFile,
            message: error instanceof Error ? error.message : String(error),
          },
        }),
    );
    return () => {
      current = false;
    };
  }, [path]);
  if (path === null) return { state: 'none' };
  return fetched.path === path ? fetched.result : { state: 'loading' };
}
