/**
 * What a run showed: figures whose change it was the first to show, whenever that began, as the histories' tests found (histories.ts: their false alarms are held to
 * 5 % of what is reported for a figure of a board), what broke, what was mended, what is new. Asks the derived figures,
 * which must be up to date.
 */
import {
  type Change,
  type RunRowSummary,
  type Store,
  derivedBoards,
  derivedHistories,
  rowsOfRun,
  statusBefore,
} from '../../drizzle/queries.ts';

export interface FigureChange extends Change {
  readonly board: string;
  /** `gptq/w4g32` */
  readonly name: string;
  /** The run since which it holds; it may be found some nights later. */
  readonly sinceRun: string;
}

export interface StatusChange {
  /** `gptq/w4g32 on stories260k, seed 1` */
  readonly name: string;
  readonly status: string;
  readonly reason: string | null;
}

export interface RunChanges {
  readonly run: string;
  readonly rows: number;
  readonly better: readonly FigureChange[];
  readonly worse: readonly FigureChange[];
  /** Failed here, and completed when the same variant, model and seed was last run. */
  readonly broke: readonly StatusChange[];
  readonly mended: readonly StatusChange[];
  /** Failed here and never completed. */
  readonly failing: readonly StatusChange[];
  /** Variants that were never run before, with their model. */
  readonly fresh: readonly string[];
}

export function runChanges(store: Store, run: string): RunChanges {
  const rows = rowsOfRun(store, run);
  const found: FigureChange[] = [];
  for (const { id } of derivedBoards(store)) {
    for (const { id: name, points, changes } of derivedHistories(store, id)) {
      for (const change of changes) {
        if (points[change.foundAt]?.run !== run) continue;
        const since = points[change.at];
        found.push({ ...change, board: id, name, sinceRun: since?.run ?? run });
      }
    }
  }
  const statuses = rows.map((row) => ({ row, before: statusBefore(store, row) }));
  const failed = statuses.filter(({ row }) => row.status !== 'completed');
  return {
    run,
    rows: rows.length,
    better: found.filter(({ better }) => better),
    worse: found.filter(({ better }) => !better),
    broke: failed.filter(({ before }) => before === 'completed').map(({ row }) => statusChange(row)),
    mended: statuses
      .filter(({ row, before }) => row.status === 'completed' && before !== null && before !== 'completed')
      .map(({ row }) => statusChange(row)),
    failing: failed.filter(({ before }) => before !== 'completed').map(({ row }) => statusChange(row)),
    fresh: [
      ...new Set(
        statuses
          .filter(({ row, before }) => row.kind === 'trial' && before === null)
          .map(({ row }) => `${row.method}/${row.variant} on ${row.model}`),
      ),
    ].sort(),
  };
}

function statusChange({
  kind,
  method,
  variant,
  model,
  seed,
  task,
  runner,
  status,
  reason,
}: RunRowSummary): StatusChange {
  const what = kind === 'trial' ? '' : `, ${task ?? runner ?? kind}`;
  return { name: `${method}/${variant} on ${model}, seed ${seed}${what}`, status, reason };
}
