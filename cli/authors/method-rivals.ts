/** Whom a method is checked against: the low-cost controls, and the best published low-cost variants of each weight class. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordCatalog } from '../../drizzle/catalog.ts';
import { openStore } from '../../drizzle/client.ts';
import { importResults } from '../../drizzle/import.ts';
import { type BoardEntry, leaderboard } from '../../board/derive/leaderboard.ts';
import type { Method } from '../../engine/definitions/method.ts';
import { costClassOf } from '../../contracts/taxonomy.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { VariantRegistration } from '../setup/registry.ts';
import { catalog } from '../setup/run-suite.ts';
import { verifyRow } from '../setup/verify-row.ts';

/** The board of the published rows. */
export function publishedEntries(
  results: string,
  place: { readonly model: string; readonly task: string },
): readonly BoardEntry[] {
  const folder = mkdtempSync(join(tmpdir(), 'shrinkrank-published-'));
  const store = openStore(join(folder, 'store.sqlite'));
  try {
    recordCatalog(store, catalog());
    importResults(store, results, verifyRow);
    return leaderboard(store, { ...place, protocol: PROTOCOL.version }).entries;
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Names as findVariants() takes them, the method's own first. Where nothing of its family was published on the model, what the
 * suite lists of the family stands in; where nothing at all was, all that the suite lists.
 * @param methods the registered ones.
 * @param listed the suite's variants on the model.
 */
export function chooseContenders(
  method: Method,
  {
    methods,
    listed,
    published,
  }: {
    readonly methods: readonly Method[];
    readonly listed: readonly VariantRegistration[];
    readonly published: readonly BoardEntry[];
  },
): readonly string[] {
  const lowCost = methods.filter(({ id, access }) => id !== method.id && costClassOf(access) === 'low-cost');
  const rivals = new Map(lowCost.filter(({ control }) => !control).map((rival) => [rival.id, rival]));
  const candidates = published.filter(
    (entry) =>
      entry.variant in (rivals.get(entry.method)?.variants ?? {}) && entry.simulated === null && entry.quality !== null,
  );
  const ofFamily = candidates.filter(({ family }) => family === method.family);
  const best = [null, ...PROTOCOL.weightClasses].flatMap((weightClass) =>
    [ofFamily, candidates].flatMap((entries) => bestOf(entries.filter((entry) => entry.weightClass === weightClass))),
  );
  const standIns = listed.filter(
    ({ registration: { method: rival } }) =>
      rivals.has(rival.id) && (candidates.length === 0 || (ofFamily.length === 0 && rival.family === method.family)),
  );
  return [
    ...new Set([
      method.id,
      ...lowCost.filter(({ control }) => control).map(({ id }) => id),
      ...best.map((entry) => `${entry.method}/${entry.variant}`),
      ...standIns.map(({ registration, variant }) => `${registration.method.id}/${variant}`),
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
