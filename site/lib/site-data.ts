/** What pages read of the store, read once per build worker. Server components only. */
import { cache } from 'react';
import type { BoardSummary, StoredCatalog } from '../../drizzle/queries.ts';
import { boardChoice, boardView, startOf, type BoardChoice, type BoardView } from './board-view.ts';
import { queries, siteStore } from './store.ts';

export const slugOf = queries.slugOf;

let summaries: readonly BoardSummary[] | undefined;

export function boards(): readonly BoardSummary[] {
  summaries ??= queries.derivedBoards(siteStore());
  return summaries;
}

let stored: StoredCatalog | undefined;

export function catalog(): StoredCatalog {
  stored ??= queries.readCatalog(siteStore());
  return stored;
}

export function choices(): readonly BoardChoice[] {
  return boards().map(boardChoice);
}

const views = new Map<string, BoardView>();
/** Views of boards of ten thousand rows are large: a worker keeps the last ones. */
const KEPT_VIEWS = 8;

export function viewOf(id: string): BoardView {
  const known = views.get(id);
  if (known) return known;
  const view = boardView(queries.derivedBoard(siteStore(), id), slugOf);
  const [oldest] = views.keys();
  if (oldest !== undefined && views.size >= KEPT_VIEWS) views.delete(oldest);
  views.set(id, view);
  return view;
}

/** The default board, as sent with a page; null if nothing is published yet. */
export const defaultView = cache((): BoardView | null => {
  const first = boards()[0];
  return first ? startOf(viewOf(first.id)) : null;
});

/** The first board of each contest (boards that differ in the runner only). */
export function contests(of: readonly BoardSummary[] = boards()): readonly BoardSummary[] {
  return [...Map.groupBy(of, ({ contest }) => contest).values()].flatMap(([first]) => first ?? []);
}

/** Ids of the catalog's methods and of methods that only rows still name, sorted. */
export function methodIds(): readonly string[] {
  const rows = boards().flatMap(({ id }) => viewOf(id).rows.map(({ method }) => method));
  return [...new Set([...catalog().methods.map(({ id }) => id), ...rows])].sort();
}

export function modelIds(): readonly string[] {
  return [...new Set([...catalog().models.map(({ id }) => id), ...boards().map(({ model }) => model)])].sort();
}

export function taskIds(): readonly string[] {
  return [...new Set([...catalog().tasks.map(({ id }) => id), ...boards().map(({ task }) => task)])].sort();
}

/** Maps between the slugs of addresses and the ids of pages, for generateStaticParams. */
export function idOfSlug(ids: readonly string[], slug: string): string {
  const found = ids.find((id) => slugOf(id) === slug);
  if (found === undefined) throw new Error(`site: no id has the slug "${slug}" among ${ids.length}`);
  return found;
}
