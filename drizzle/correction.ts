/**
 * Corrections state what is wrong with a published row, which itself is never edited. `withdraw` removes the row from
 * the board and makes its key due again; `annotate` keeps it and shows the reason. Key and run identify the row.
 */
import { and, eq } from 'drizzle-orm';
import * as v from 'valibot';
import { sha256 } from '../contracts/result.ts';
import type { Store } from './client.ts';
import { refreshEffective, type Inserted, type Transaction } from './insert.ts';
import { corrections, evaluations, measurements, trials } from './schema.ts';
import { validate } from './validate.ts';

export const correctionSchema = v.strictObject({
  kind: v.literal('correction'),
  /** Key of the row. */
  key: sha256,
  /** Id of the run that wrote the row; rows of other runs under the same key are not affected. */
  run: v.string(),
  action: v.picklist(['withdraw', 'annotate']),
  /** Reason, shown on the board. */
  reason: v.pipe(v.string(), v.nonEmpty()),
  /** Date of the decision. */
  date: v.pipe(v.string(), v.isoDate()),
});
export type Correction = v.InferOutput<typeof correctionSchema>;

/** Also applies to rows imported later. Repeating a correction changes nothing. */
export function recordCorrection(store: Store, correction: Correction): Inserted {
  const valid = validateCorrection(correction);
  return store.database.transaction((transaction) => insertCorrection(transaction, valid), { behavior: 'immediate' });
}

export function validateCorrection(value: unknown): Correction {
  return validate(correctionSchema, value, 'correction');
}

export function insertCorrection(transaction: Transaction, correction: Correction): Inserted {
  const { kind: _, ...columns } = correction;
  const { key } = columns;
  const { changes } = transaction.insert(corrections).values(columns).onConflictDoNothing().run();
  if (changes === 0) return 'present';
  refreshEffective(transaction, trials, { key });
  for (const table of [evaluations, measurements]) {
    const places = transaction.selectDistinct({ artifact: table.artifact }).from(table).where(eq(table.key, key));
    for (const { artifact } of places.all()) refreshEffective(transaction, table, { key, artifact });
  }
  return 'recorded';
}

/** All corrections of a key, oldest first; with `run`, only those of that run's row. */
export function correctionsOf(store: Store, key: string, run?: string): readonly Correction[] {
  return store.database
    .select()
    .from(corrections)
    .where(and(eq(corrections.key, key), run === undefined ? undefined : eq(corrections.run, run)))
    .orderBy(corrections.date, corrections.run, corrections.action, corrections.reason)
    .all()
    .map((columns) => ({ kind: 'correction' as const, ...columns }));
}
