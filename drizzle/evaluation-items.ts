/** Per-item outcomes of an evaluation. */
import { type SQL, and, desc, eq, sql } from 'drizzle-orm';
import { InputError } from '../contracts/errors.ts';
import type { Items } from '../contracts/result.ts';
import type { Store, StoreDatabase } from './client.ts';
import { unpackItems } from './row-columns.ts';
import { evaluationItems, evaluations } from './schema.ts';

/** Prepared once per store, because deriving reads the items of every evaluation. */
const itemQueries = new WeakMap<StoreDatabase, ReturnType<typeof prepareItemQueries>>();

function prepareItemQueries(database: StoreDatabase) {
  const query = (artifact: SQL | undefined) =>
    database
      .select({ columns: evaluationItems.columns })
      .from(evaluations)
      .innerJoin(evaluationItems, eq(evaluationItems.evaluation, evaluations.id))
      .where(
        and(sql`${evaluations.key} = ${sql.placeholder('evaluation')}`, artifact, sql`${evaluations.effective} = 1`),
      )
      .orderBy(desc(evaluations.startedAt))
      .limit(1)
      .prepare();
  return { ofKey: query(undefined), ofArtifact: query(sql`${evaluations.artifact} = ${sql.placeholder('artifact')}`) };
}

/**
 * Per-item outcomes of a completed evaluation, for paired comparison; of this artifact where a trial has several.
 * Throws InputError when there are none.
 */
export function itemsOf({ database }: Store, evaluation: string, artifact?: string): Items {
  const queries = itemQueries.get(database) ?? prepareItemQueries(database);
  itemQueries.set(database, queries);
  const bytes = (hex: string) => Buffer.from(hex, 'hex'); // a placeholder takes what the driver takes
  const found =
    artifact === undefined
      ? queries.ofKey.get({ evaluation: bytes(evaluation) })
      : queries.ofArtifact.get({ evaluation: bytes(evaluation), artifact: bytes(artifact) });
  if (!found) throw new InputError(`evaluation "${evaluation}": the store holds no completed one under this key`);
  return unpackItems(found.columns);
}
