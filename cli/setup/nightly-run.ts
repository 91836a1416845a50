/**
 * A night: runs a suite on what changed, measures a rotating few of the rest again, asks whether dense is what it was, and
 * only then lets the rows out. What it finds goes into a report.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '../../drizzle/client.ts';
import { type Correction, recordCorrection } from '../../drizzle/correction.ts';
import { type ExportedFile, exportRows, exportRun, lineOf } from '../../drizzle/export.ts';
import { importRows } from '../../drizzle/import.ts';
import {
  DENSE_METHOD,
  denseLatencies,
  denseQualities,
  doneKeys,
  openStore,
  rowsOfRun,
  trialDetail,
} from '../../drizzle/queries.ts';
import { type ControlFinding, controlFindings } from '../../board/derive/control-band.ts';
import { deriveStore } from '../../board/derive/derive-store.ts';
import { type RunChanges, runChanges } from '../../board/derive/run-changes.ts';
import { type SentinelFinding, sentinelFindings } from '../../board/derive/sentinel-drift.ts';
import type { SuiteEntry } from '../../harness/plan/plan.ts';
import { type RunSuiteRequest, type RunSummary, runSuite } from './run-suite.ts';

export interface NightRequest extends Omit<RunSuiteRequest, 'retryFailed'> {
  /** How many variants are measured again though nothing about them changed; dense of each model comes on top. */
  readonly sentinels: number;
  /** Says which are up tonight. */
  readonly date: Date;
  /** Folder the rows of accepted runs are written to. */
  readonly results: string;
  /** Take the runs though dense left its band: the machine is another now, and the band learns from it. */
  readonly accept: boolean;
}

export interface RunVerdict {
  readonly run: string;
  readonly findings: readonly ControlFinding[];
  readonly rejected: boolean;
}

export interface NightSummary {
  readonly suite: RunSummary;
  /** Null where there was nothing to measure again. */
  readonly again: RunSummary | null;
  readonly verdicts: readonly RunVerdict[];
  readonly drift: readonly SentinelFinding[];
  readonly changes: readonly RunChanges[];
  readonly exported: readonly ExportedFile[];
}

const DAY_MS = 86_400_000;

export async function runNight(request: NightRequest): Promise<NightSummary> {
  const { home, results, accept } = request;
  const suite = await runSuite({ ...request, retryFailed: false });
  const entries = readStore(home, (store) => sentinelEntries(store, suite, request));
  const again = entries.length > 0 ? await measureAgain(request, entries) : null;
  return readStore(home, (store) => {
    const runs = [suite, ...(again ? [again] : [])].filter(({ recorded }) => recorded > 0).map(({ run }) => run);
    const dense = { qualities: denseQualities(store), latencies: denseLatencies(store) };
    const verdicts = runs.map((run): RunVerdict => {
      const findings = controlFindings(run, dense);
      return { run, findings, rejected: !accept && findings.some(({ state }) => state === 'out of control') };
    });
    for (const verdict of verdicts) if (verdict.rejected) withdraw(store, verdict, request.date);
    const accepted = verdicts.filter(({ rejected }) => !rejected).map(({ run }) => run);
    deriveStore(store);
    return {
      suite,
      again,
      verdicts,
      drift: again && accepted.includes(again.run) ? sentinelFindings(again.run, detailsOf(store, again.run)) : [],
      changes: accepted.map((run) => runChanges(store, run)),
      exported: accepted.map((run) => exportRun(store, run, results)),
    };
  });
}

/**
 * Of the suite's trials that were done before tonight as many as asked for, in order of their keys, going on each day where
 * the day before ended, so that in time all have their turn; and dense of every model.
 */
export function sentinelEntries(
  store: Store,
  { run, plan }: Pick<RunSummary, 'run' | 'plan'>,
  { sentinels, date }: Pick<NightRequest, 'sentinels' | 'date'>,
): SuiteEntry[] {
  const tonight = new Set(rowsOfRun(store, run).map(({ trial }) => trial));
  const done = doneKeys(
    store,
    plan.map(({ key }) => key),
  );
  const settled = plan
    .filter(({ key }) => !tonight.has(key) && done.trials.get(key)?.status === 'completed')
    // Trainings on a device need not agree to the bit, and an artifact that differs would be taken for drift.
    .filter(({ identity }) => identity.trainedOn === undefined)
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const isDense = ({ unit }: (typeof plan)[number]) => unit.method.id === DENSE_METHOD;
  const others = settled.filter((trial) => !isDense(trial));
  const start = Math.floor(date.getTime() / DAY_MS) * sentinels;
  const chosen = Array.from(
    { length: Math.min(sentinels, others.length) },
    (_, i) => others[(start + i) % others.length] as (typeof plan)[number],
  );
  return [...settled.filter(isDense), ...chosen].map(({ entry, unit, identity }) => ({
    ...entry,
    variants: [{ unit, variant: identity.variant }],
    seeds: [identity.seed],
  }));
}

/** In a store of its own, since a key that is done is not done again; its rows then go into the store like any other's. */
async function measureAgain(request: NightRequest, entries: readonly SuiteEntry[]): Promise<RunSummary> {
  const home = join(request.home, 'sentinels');
  rmSync(home, { recursive: true, force: true });
  const suite = `${request.suite}-sentinels`;
  const artifacts = join(request.home, 'artifacts');
  const summary = await runSuite({ ...request, suite, entries, home, artifacts, retryFailed: false });
  const lines = readStore(home, (store) => [...exportRows(store, { run: summary.run })].map(lineOf));
  readStore(request.home, (store) => importRows(store, lines, { where: join(home, 'store.sqlite') }));
  rmSync(home, { recursive: true, force: true });
  return summary;
}

/** Takes every row of a run off the board; its keys are due again. */
function withdraw(store: Store, { run, findings }: RunVerdict, date: Date): void {
  const found = findings.filter(({ state }) => state === 'out of control');
  const reason = `dense left its control band: ${found.map(({ place, text }) => `${place}: ${text}`).join('; ')}`;
  for (const key of new Set(rowsOfRun(store, run).map((row) => row.key))) {
    const correction: Correction = {
      kind: 'correction',
      key,
      run,
      action: 'withdraw',
      reason,
      date: date.toISOString().slice(0, 10),
    };
    recordCorrection(store, correction);
  }
}

function detailsOf(store: Store, run: string) {
  return [...new Set(rowsOfRun(store, run).map(({ trial }) => trial))].map((key) => trialDetail(store, key));
}

function readStore<T>(home: string, use: (store: Store) => T): T {
  const store = openStore(join(home, 'store.sqlite'));
  try {
    return use(store);
  } finally {
    store.close();
  }
}

/** Writes the report beside the store; gives its path. */
export function writeReport(home: string, run: string, text: string): string {
  const folder = join(home, 'nightly');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${run}.md`);
  writeFileSync(path, text);
  return path;
}
