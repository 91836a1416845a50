/**
 * What the boards of a store are computed from, as digests by contest (model × task × protocol, on all runners): one whose
 * digest has not changed is not computed again.
 * Rows never change under their id, so ids of those that stand say everything; what else moves a board is the catalog
 * and corrections.
 */
import { createHash } from 'node:crypto';
import { and, asc, eq, sql } from 'drizzle-orm';
import { canonicalJson } from '../contracts/canonical-json.ts';
import { readCatalog } from './catalog.ts';
import type { Store } from './client.ts';
import { correctionLedger } from './run-detail.ts';
import { artifacts, corrections, evaluations, measurements, trials } from './schema.ts';

export interface ContestInputs {
  readonly model: string;
  readonly task: string;
  readonly protocol: number;
  /** SHA-256. */
  readonly digest: string;
}

/** Changes whenever a row, a correction or the catalog does: a glance, whatever the store holds. */
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
    const made = database
      .select({ id: trials.id, method: trials.method })
      .from(trials)
      .where(standing)
      .orderBy(asc(trials.id))
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
        .select({ group: evaluations.task, id: evaluations.id })
        .from(trials)
        .innerJoin(artifacts, eq(trials.artifact, artifacts.id))
        .innerJoin(evaluations, and(eq(evaluations.trial, trials.key), eq(evaluations.artifact, artifacts.sha256)))
        .where(and(standing, eq(evaluations.protocol, protocol), sql`${evaluations.effective} = 1`))
        .all(),
    );
    const byRunner = hashesBy(
      database
        .select({ group: measurements.runnerFingerprint, id: measurements.id })
        .from(trials)
        .innerJoin(artifacts, eq(trials.artifact, artifacts.id))
        .innerJoin(measurements, and(eq(measurements.trial, trials.key), eq(measurements.artifact, artifacts.sha256)))
        .where(and(standing, eq(measurements.protocol, protocol), sql`${measurements.effective} = 1`))
        .all(),
    );
    common.update(canonicalJson([...byRunner].sort(byName)));
    return [...byTask].sort(byName).map(([task, evaluated]) => {
      const own = canonicalJson({ evaluated, task: catalog.tasks.filter(({ id }) => id === task) });
      return { model, task, protocol, digest: common.copy().update(own).digest('hex') };
    });
  });
}

/** Digest of the ids of each group. */
function hashesBy(rows: readonly { readonly group: string; readonly id: number }[]): ReadonlyMap<string, string> {
  const groups = Map.groupBy(rows, ({ group }) => group);
  return new Map(
    [...groups].map(([group, own]) => [group, digestOfIds(own.map(({ id }) => id).sort((a, b) => a - b))]),
  );
}

function digestOfIds(ids: readonly number[]): string {
  return createHash('sha256')
    .update(new Uint8Array(Float64Array.from(ids).buffer))
    .digest('hex');
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
