/**
 * Corrections: what was found wrong with a published row, which itself is never edited. `withdraw` takes it off the
 * board and makes its key due again; `annotate` leaves it and shows the reason beside it. Key and run name the row.
 */
import { and, eq } from 'drizzle-orm';
import * as v from 'valibot';
import type { Store } from './client.ts';
import { refreshEffective, type ResultTable } from './insert.ts';
import { corrections, evaluations, measurements, trials } from './schema.ts';
import { validate } from './validate.ts';

export const correctionSchema = v.strictObject({
  kind: v.literal('correction'),
  /** Key of the row. */
  key: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** Id of the run that wrote it: other runs' rows under the same key stand. */
  run: v.string(),
  action: v.picklist(['withdraw', 'annotate']),
  /** For the reader of the board. */
  reason: v.pipe(v.string(), v.nonEmpty()),
  /** Day it was decided. */
  date: v.pipe(v.string(), v.isoDate()),
});
export type Correction = v.InferOutput<typeof correctionSchema>;

const RESULT_TABLES: readonly ResultTable[] = [trials, evaluations, measurements];

/** Holds for rows that come later, too. A correction that is there already changes nothing. */
export function recordCorrection(store: Store, correction: Correction): 'recorded' | 'present' {
  const { kind: _, ...columns } = validate(correctionSchema, correction, 'correction');
  return store.database.transaction(
    (transaction) => {
      const { changes } = transaction.insert(corrections).values(columns).onConflictDoNothing().run();
      if (changes === 0) return 'present';
      for (const table of RESULT_TABLES) refreshEffective(transaction, table, columns.key);
      return 'recorded';
    },
    { behavior: 'immediate' },
  );
}

/** All corrections of a key, oldest first; with `run`, of that run's row only. */
export function correctionsOf(store: Store, key: string, run?: string): readonly Correction[] {
  return store.database
    .select()
    .from(corrections)
    .where(and(eq(corrections.key, key), run === undefined ? undefined : eq(corrections.run, run)))
    .orderBy(corrections.date, corrections.run, corrections.action, corrections.reason)
    .all()
    .map((columns) => ({ kind: 'correction' as const, ...columns }));
}
