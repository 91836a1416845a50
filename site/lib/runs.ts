/** Runs of the store and their counts. Server components only. */
import type { RunSummary, Status } from '../../drizzle/queries.ts';
import { queries, siteStore } from './store.ts';

/** More than thirty years of nightly runs. */
const ALL = 12_000;

let summaries: readonly RunSummary[] | undefined;

/** Newest first. */
export function allRuns(): readonly RunSummary[] {
  summaries ??= queries.runSummaries(siteStore(), ALL);
  return summaries;
}

/** Rows a run wrote, of one status or of all. */
export function countOf({ trials, evaluations, measurements }: RunSummary, status?: Status): number {
  return [trials, evaluations, measurements]
    .flatMap((counts) => Object.entries(counts))
    .filter(([name]) => status === undefined || name === status)
    .reduce((sum, [, count]) => sum + count, 0);
}
