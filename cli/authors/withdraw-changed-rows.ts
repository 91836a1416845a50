/**
 * Keys contain a method's revision and not its code, so rows of code that is still being written would count as done. Between
 * two checks with different code, the rows of the method in the author's own store are withdrawn, and measured again.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { recordCorrection } from '../../drizzle/correction.ts';
import { openStore, rowsOfRun, runSummaries, type Store } from '../../drizzle/queries.ts';
import { importClosure } from '../../harness/plan/import-closure.ts';
import type { MethodRegistration } from '../../harness/plan/plan.ts';

/** Gives the number of keys withdrawn. The first check of a method in a home withdraws nothing. */
export function withdrawChangedRows({
  home,
  registration,
  date,
}: {
  readonly home: string;
  readonly registration: MethodRegistration;
  readonly date: Date;
}): number {
  const { id } = registration.method;
  const path = join(home, 'checked-methods', `${id}.sha256`);
  const code = hashOf(importClosure(registration.file));
  const before = existsSync(path) ? readFileSync(path, 'utf8') : code;
  mkdirSync(dirname(path), { recursive: true });
  const storePath = join(home, 'store.sqlite');
  const withdrawn = before === code || !existsSync(storePath) ? 0 : withdrawRows(openStore(storePath), id, date);
  writeFileSync(path, code);
  return withdrawn;
}

function withdrawRows(store: Store, method: string, date: Date): number {
  try {
    const rows = runSummaries(store, Number.MAX_SAFE_INTEGER).flatMap(({ id: run }) =>
      rowsOfRun(store, run)
        .filter((row) => row.method === method && row.effective)
        .map(({ key }) => ({ key, run })),
    );
    for (const row of rows) {
      recordCorrection(store, {
        kind: 'correction',
        ...row,
        action: 'withdraw',
        reason: `the code of ${method} changed since it was measured`,
        date: date.toISOString().slice(0, 10),
      });
    }
    return new Set(rows.map(({ key }) => key)).size;
  } finally {
    store.close();
  }
}

function hashOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files.toSorted()) hash.update(readFileSync(file));
  return hash.digest('hex');
}
