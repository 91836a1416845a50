/** Whom a method is checked against: the low-cost controls, and the best published low-cost variants of each weight class. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordCatalog } from '../drizzle/catalog.ts';
import { openStore } from '../drizzle/client.ts';
import { importResults } from '../drizzle/import.ts';
import { type BoardEntry, leaderboard } from '../drizzle/queries.ts';
import { type Method, costClassOf } from '../harness/contracts/method.ts';
import { PROTOCOL } from '../harness/contracts/protocol.ts';
import { catalog } from '../harness/cli/run-suite.ts';

/** The board of the published rows. */
export function publishedEntries(
  results: string,
  place: { readonly model: string; readonly task: string },
): readonly BoardEntry[] {
  const folder = mkdtempSync(join(tmpdir(), 'shrinkrank-published-'));
  const store = openStore(join(folder, 'store.sqlite'));
  try {
    recordCatalog(store, catalog());
    importResults(store, results);
    return leaderboard(store, { ...place, protocol: PROTOCOL.version }).entries;
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Names as findVariants() takes them, the method's own first. Where the published rows have no rival of its family, all
 * low-cost methods of the family stand in.
 * @param methods the registered ones.
 */
export function chooseContenders(
  method: Method,
  { methods, published }: { readonly methods: readonly Method[]; readonly published: readonly BoardEntry[] },
): readonly string[] {
  const lowCost = methods.filter(({ id, access }) => id !== method.id && costClassOf(access) === 'low-cost');
  const rivals = lowCost.filter(({ control }) => !control);
  const isRival = (entry: BoardEntry) =>
    rivals.some(({ id, variants }) => id === entry.method && entry.variant in variants) &&
    entry.simulated === null &&
    entry.quality !== null;
  const candidates = published.filter(isRival);
  const ofFamily = candidates.filter(({ family }) => family === method.family);
  const classes = [null, ...PROTOCOL.weightClasses];
  const best = classes.flatMap((weightClass) =>
    [ofFamily, candidates].flatMap((entries) => bestOf(entries.filter((entry) => entry.weightClass === weightClass))),
  );
  const family = ofFamily.length > 0 ? [] : rivals.filter(({ family: own }) => own === method.family);
  return [
    ...new Set([
      method.id,
      ...lowCost.filter(({ control }) => control).map(({ id }) => id),
      ...best.map((entry) => `${entry.method}/${entry.variant}`),
      ...family.map(({ id }) => id),
    ]),
  ];
}

/** The entry of the best quality; none of none. */
export function bestOf(entries: readonly BoardEntry[]): readonly BoardEntry[] {
  const value = ({ quality }: BoardEntry) => (quality?.estimate.value ?? 0) * (quality?.higherIsBetter ? -1 : 1);
  return entries
    .filter(({ quality }) => quality !== null)
    .toSorted((a, b) => value(a) - value(b))
    .slice(0, 1);
}
