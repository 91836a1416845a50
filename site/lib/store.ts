/**
 * The store the site is built from (SHRINKRANK_STORE) and the queries that read it; server components only. The queries
 * are imported at build time and not bundled, since they look for their migrations beside their own file.
 */
import type * as storeQueries from '../../drizzle/queries.ts';

/** A file URL; next.config.ts sets it. */
const location = process.env.SITE_QUERIES ?? '';

export const queries = (await import(/* turbopackIgnore: true */ location)) as typeof storeQueries;

let opened: storeQueries.Store | undefined;

/** Opened once per build worker. */
export function siteStore(): storeQueries.Store {
  const path = process.env.SHRINKRANK_STORE;
  if (!path) {
    throw new Error(
      'site: SHRINKRANK_STORE is not set; name the store to show, or run `npm run site:build`, which does',
    );
  }
  opened ??= queries.openStore(path, { create: false });
  return opened;
}
