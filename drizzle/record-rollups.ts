/** Stores what board/derive computed: a contest's boards, comparisons and histories in one transaction. */
import { eq, inArray, notInArray } from 'drizzle-orm';
import type { BoardSummary, Comparisons, DerivedBoard, History } from '../contracts/derived.ts';
import type { Store } from './client.ts';
import type { Transaction } from './insert.ts';
import { packComparisons } from './rollups.ts';
import { rollupBoards, rollupComparisons, rollupEntries, rollupHistories, rollupState } from './schema.ts';

export interface DerivedContest {
  readonly contest: string;
  /** Digest of its inputs. */
  readonly inputs: string;
  /** At least one. */
  readonly boards: readonly { readonly board: DerivedBoard; readonly histories: readonly History[] }[];
  /** In the order of the entries. */
  readonly comparisons: Iterable<Comparisons>;
}

/** Replaces all stored rollups of the contest. */
export function recordContest(store: Store, { contest, inputs, boards, comparisons }: DerivedContest): void {
  const { database } = store;
  database.transaction(
    (transaction) => {
      removeContest(transaction, contest);
      for (const { board, histories } of boards) {
        const { entries, ...rest } = board;
        transaction
          .insert(rollupBoards)
          .values({
            id: board.id,
            ordinal: 0,
            contest,
            inputs,
            summary: JSON.stringify(summaryOf(board)),
            board: JSON.stringify(rest),
          })
          .run();
        for (const [ordinal, entry] of entries.entries()) {
          const { slug, method } = entry;
          transaction
            .insert(rollupEntries)
            .values({ board: board.id, ordinal, slug, method, entry: JSON.stringify(entry) })
            .run();
        }
        for (const history of histories) {
          const row = { board: board.id, slug: history.entry, history: JSON.stringify(history) };
          transaction.insert(rollupHistories).values(row).run();
        }
      }
      let ordinal = 0;
      for (const each of comparisons) {
        const row = { contest, ordinal: ordinal++, slug: each.first, comparisons: packComparisons(each) };
        transaction.insert(rollupComparisons).values(row).run();
      }
    },
    { behavior: 'immediate' },
  );
}

/** Removes boards that no longer have rows. */
export function removeContestsBut(store: Store, contests: readonly string[]): readonly string[] {
  const gone = store.database
    .selectDistinct({ contest: rollupBoards.contest })
    .from(rollupBoards)
    .where(notInArray(rollupBoards.contest, [...contests]))
    .all()
    .map(({ contest }) => contest);
  store.database.transaction((transaction) => gone.forEach((contest) => removeContest(transaction, contest)), {
    behavior: 'immediate',
  });
  return gone;
}

function removeContest(transaction: Transaction, contest: string): void {
  const boards = transaction
    .select({ id: rollupBoards.id })
    .from(rollupBoards)
    .where(eq(rollupBoards.contest, contest));
  transaction.delete(rollupEntries).where(inArray(rollupEntries.board, boards)).run();
  transaction.delete(rollupHistories).where(inArray(rollupHistories.board, boards)).run();
  transaction.delete(rollupBoards).where(eq(rollupBoards.contest, contest)).run();
  transaction.delete(rollupComparisons).where(eq(rollupComparisons.contest, contest)).run();
}

/** Stores the order of the boards and the state of the store they belong to. */
export function recordState(
  store: Store,
  { order, watermark }: { readonly order: readonly string[]; readonly watermark: string },
): void {
  store.database.transaction(
    (transaction) => {
      for (const [ordinal, id] of order.entries()) {
        transaction.update(rollupBoards).set({ ordinal }).where(eq(rollupBoards.id, id)).run();
      }
      transaction
        .insert(rollupState)
        .values({ id: 1, watermark })
        .onConflictDoUpdate({ target: rollupState.id, set: { watermark } })
        .run();
    },
    { behavior: 'immediate' },
  );
}

/** State of the last recordState(); undefined before the first. */
export function recordedWatermark({ database }: Store): string | undefined {
  return database.select().from(rollupState).where(eq(rollupState.id, 1)).get()?.watermark;
}

/** By contest, the digest of the inputs of its stored rollups. */
export function recordedInputs({ database }: Store): ReadonlyMap<string, string> {
  const found = database
    .selectDistinct({ contest: rollupBoards.contest, inputs: rollupBoards.inputs })
    .from(rollupBoards)
    .all();
  return new Map(found.map(({ contest, inputs }) => [contest, inputs]));
}

function summaryOf(board: DerivedBoard): BoardSummary {
  const { chance: _, weightClasses: __, shapes: ___, dense: ____, notCompared: _____, ...rest } = board;
  const { headline: ______, fronts: _______, betweenCurves: ________, entries: _________, ...summary } = rest;
  return summary;
}
