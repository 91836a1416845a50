/**
 * Reads the derived figures that the site shows, as stored by board/derive; plain look-ups, whatever the number of
 * rows.
 */
import { present } from '../contracts/present.ts';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { and, asc, eq } from 'drizzle-orm';
import { InputError, unknownId } from '../contracts/errors.ts';
import type { BoardSummary, Comparisons, DerivedBoard, DerivedEntry, History } from '../contracts/derived.ts';
import type { Store } from './client.ts';
import { rollupBoards, rollupComparisons, rollupEntries, rollupHistories } from './schema.ts';

/** Limit against a forged blob that decompresses without end; the pairs of ten thousand entries fit. */
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;

/** All boards; the first is the default. Empty where nothing has been derived yet. */
export function derivedBoards({ database }: Store): readonly BoardSummary[] {
  return database
    .select({ summary: rollupBoards.summary })
    .from(rollupBoards)
    .orderBy(asc(rollupBoards.ordinal))
    .all()
    .map(({ summary }) => JSON.parse(summary) as BoardSummary);
}

/** One board with all its entries. Throws InputError for an unknown id. */
export function derivedBoard(store: Store, id: string): DerivedBoard {
  const found = store.database
    .select({ board: rollupBoards.board })
    .from(rollupBoards)
    .where(eq(rollupBoards.id, id))
    .get();
  if (!found) throw unknownBoard(store, id);
  const entries = store.database
    .select({ entry: rollupEntries.entry })
    .from(rollupEntries)
    .where(eq(rollupEntries.board, id))
    .orderBy(asc(rollupEntries.ordinal))
    .all()
    .map(({ entry }) => JSON.parse(entry) as DerivedEntry);
  return { ...(JSON.parse(found.board) as Omit<DerivedBoard, 'entries'>), entries };
}

/** A method's entries on every board, in the order of derivedBoards(); for its operating curves. */
export function entriesOfMethod(
  { database }: Store,
  method: string,
): readonly { readonly board: BoardSummary; readonly entries: readonly DerivedEntry[] }[] {
  const found = database
    .select({ id: rollupBoards.id, summary: rollupBoards.summary, entry: rollupEntries.entry })
    .from(rollupEntries)
    .innerJoin(rollupBoards, eq(rollupBoards.id, rollupEntries.board))
    .where(eq(rollupEntries.method, method))
    .orderBy(asc(rollupBoards.ordinal), asc(rollupEntries.ordinal))
    .all();
  return [...Map.groupBy(found, ({ id }) => id).values()].map((rows) => ({
    board: JSON.parse(present(rows[0], 'first entry of the board').summary) as BoardSummary,
    entries: rows.map(({ entry }) => JSON.parse(entry) as DerivedEntry),
  }));
}

/** Slugs of the entries of a contest that have comparisons, in order. */
export function comparedEntries({ database }: Store, contest: string): readonly string[] {
  return database
    .select({ slug: rollupComparisons.slug })
    .from(rollupComparisons)
    .where(eq(rollupComparisons.contest, contest))
    .orderBy(asc(rollupComparisons.ordinal))
    .all()
    .map(({ slug }) => slug);
}

/** Comparisons of one entry with those after it. Throws InputError where there are none. */
export function comparisonsOf({ database }: Store, contest: string, slug: string): Comparisons {
  const found = database
    .select({ comparisons: rollupComparisons.comparisons })
    .from(rollupComparisons)
    .where(and(eq(rollupComparisons.contest, contest), eq(rollupComparisons.slug, slug)))
    .get();
  if (!found) throw new InputError(`comparisons of "${slug}" on "${contest}": there are none; derive the store first`);
  return unpackComparisons(found.comparisons);
}

export function packComparisons(comparisons: Comparisons): Buffer {
  return zstdCompressSync(JSON.stringify(comparisons));
}

function unpackComparisons(bytes: Buffer): Comparisons {
  return JSON.parse(zstdDecompressSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES }).toString()) as Comparisons;
}

/** Histories of a board's entries, by slug. */
export function derivedHistories({ database }: Store, board: string): readonly History[] {
  return database
    .select({ history: rollupHistories.history })
    .from(rollupHistories)
    .where(eq(rollupHistories.board, board))
    .orderBy(asc(rollupHistories.slug))
    .all()
    .map(({ history }) => JSON.parse(history) as History);
}

/** Null where the board has no such entry. */
export function derivedHistory({ database }: Store, board: string, slug: string): History | null {
  const found = database
    .select({ history: rollupHistories.history })
    .from(rollupHistories)
    .where(and(eq(rollupHistories.board, board), eq(rollupHistories.slug, slug)))
    .get();
  return found ? (JSON.parse(found.history) as History) : null;
}

function unknownBoard(store: Store, id: string): InputError {
  return unknownId(
    'board',
    id,
    derivedBoards(store).map((board) => board.id),
  );
}
