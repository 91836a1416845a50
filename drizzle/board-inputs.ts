/**
 * Digests of the inputs of the boards, by contest (model × task × protocol, on all runners). A contest whose digest has
 * not changed is not computed again.
 * Rows never change under their id, so the ids and which rows stand determine all rows; the catalog and corrections are
 * the other inputs.
 */
import { createHash } from 'node:crypto';
import { and, asc, eq, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import { canonicalJson } from '../contracts/canonical-json.ts';
import { readCatalog } from './catalog.ts';
import type { Store } from './client.ts';
import { correctionLedger } from './run-detail.ts';
import { corrections, evaluations, measurements, trials } from './schema.ts';

export interface ContestInputs {
  readonly model: string;
  readonly task: string;
  readonly protocol: number;
  /** SHA-256. */
  readonly digest: string;
}

/** Changes whenever a row, a correction or the catalog does; fast, whatever the size of the store. */
export function storeWatermark(store: Store): string {
  const { database } = store;
  const newest = (table: typeof trials | typeof evaluations | typeof measurements) =>
    database
      .select({ id: sql<number | null>`max(${table.id})` })
      .from(table)
      .get()?.id ?? 0;
  return canonicalJson({
    trials: newest(trials),
    evaluations: newest(evaluations),
    measurements: newest(measurements),
    corrections: database.select().from(corrections).all(),
    catalog: readCatalog(store),
  });
}

/** Every model, task and protocol with a standing evaluation, by name. */
export function contestInputs(store: Store): readonly ContestInputs[] {
  const { database } = store;
  const catalog = readCatalog(store);
  const ledger = correctionLedger(store);
  const places = database
    .selectDistinct({ model: trials.model, protocol: trials.protocol })
    .from(trials)
    .where(sql`${trials.effective} = 1`)
    .orderBy(asc(trials.model), asc(trials.protocol))
    .all();
  return places.flatMap(({ model, protocol }) => {
    const standing = and(eq(trials.model, model), eq(trials.protocol, protocol), sql`${trials.effective} = 1`);
    const ofKey = alias(trials, 'of_key');
    // Includes other rows of the same keys, which histories show.
    const made = database
      .select({ id: ofKey.id, method: trials.method })
      .from(trials)
      .innerJoin(ofKey, eq(ofKey.key, trials.key))
      .where(standing)
      .orderBy(asc(ofKey.id))
      .all();
    const methods = new Set(made.map(({ method }) => method));
    const common = createHash('sha256').update(
      canonicalJson({
        trials: digestOfIds(made.map(({ id }) => id)),
        methods: catalog.methods
          .filter(({ id }) => methods.has(id))
          .map(({ id, registered, revision, variants }) => ({
            id,
            registered,
            revision,
            variants: variants.map(({ id: variant, random }) => ({ variant, random: random ?? null })),
          })),
        models: catalog.models
          .filter(({ id }) => id === model)
          .map(({ registered, revision }) => ({ registered, revision })),
        corrections: ledger.filter((entry) => entry.model === model || entry.model === null),
      }),
    );
    const byTask = hashesBy(
      database
        .select({ group: evaluations.task, id: evaluations.id, effective: evaluations.effective })
        .from(trials)
        .innerJoin(evaluations, eq(evaluations.trial, trials.key))
        .where(and(standing, eq(evaluations.protocol, protocol)))
        .all(),
    );
    const byRunner = hashesBy(
      database
        .select({ group: measurements.runnerFingerprint, id: measurements.id, effective: measurements.effective })
        .from(trials)
        .innerJoin(measurements, eq(measurements.trial, trials.key))
        .where(and(standing, eq(measurements.protocol, protocol)))
        .all(),
    );
    common.update(canonicalJson([...byRunner].sort(byName)));
    return [...byTask].sort(byName).map(([task, evaluated]) => {
      const own = canonicalJson({ evaluated, task: catalog.tasks.filter(({ id }) => id === task) });
      return { model, task, protocol, digest: common.copy().update(own).digest('hex') };
    });
  });
}

/** Digest of the row ids of each group that has a standing row. */
function hashesBy(
  rows: readonly { readonly group: string; readonly id: number; readonly effective: boolean }[],
): ReadonlyMap<string, string> {
  const groups = [...Map.groupBy(rows, ({ group }) => group)].filter(([, own]) =>
    own.some(({ effective }) => effective),
  );
  // Includes which row stands for a key: a steadier timing changes that without a new row in the group.
  const idsOf = (own: typeof rows) => own.map(({ id, effective }) => (effective ? id : -id)).sort((a, b) => a - b);
  return new Map(groups.map(([group, own]) => [group, digestOfIds(idsOf(own))]));
}

function digestOfIds(ids: readonly number[]): string {
  return createHash('sha256')
    .update(new Uint8Array(Float64Array.from(ids).buffer))
    .digest('hex');
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
