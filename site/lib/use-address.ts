'use client';
/** The query of the page's address as state. Controls write it; it is empty while the server renders. */
import { startTransition, useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { AddressChange } from './table-state.ts';

const CHANGED = 'addresschange';

function subscribe(onChange: () => void): () => void {
  window.addEventListener('popstate', onChange);
  window.addEventListener(CHANGED, onChange);
  return () => {
    window.removeEventListener('popstate', onChange);
    window.removeEventListener(CHANGED, onChange);
  };
}

export type Address = readonly [URLSearchParams, (change: AddressChange) => void];

export function useAddress(): Address {
  const query = useSyncExternalStore(
    subscribe,
    () => window.location.search,
    () => '',
  );
  const address = useMemo(() => new URLSearchParams(query), [query]);
  const change = useCallback((changes: AddressChange) => {
    const next = new URLSearchParams(window.location.search);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === '') next.delete(name);
      else next.set(name, value);
    }
    const text = next.toString();
    const { pathname, hash } = window.location;
    window.history.replaceState(window.history.state, '', `${pathname}${text ? `?${text}` : ''}${hash}`);
    window.dispatchEvent(new Event(CHANGED));
  }, []);
  return [address, change];
}

/**
 * False while the server renders and until the page's script runs; controls that need the script are disabled until then.
 * They are enabled in a transition, so that rendering many of them does not block the page.
 */
export function useReady(): boolean {
  const [ready, setReady] = useState(false);
  useEffect(() => startTransition(() => setReady(true)), []);
  return ready;
}
