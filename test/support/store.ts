/** A store of its own for one test, removed with its folder when the test is over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openStore, type OpenStoreOptions, type Store } from '../../drizzle/client.ts';

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'shrinkrank-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function temporaryStore(options: OpenStoreOptions = {}): Store {
  const store = openStore(join(temporaryFolder(), 'store.sqlite'), options);
  onTestFinished(() => store.close());
  return store;
}
