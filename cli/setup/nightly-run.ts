/**
 * A nightly run: runs a suite on what changed, measures a few of the other variants again, checks that dense is what it was,
 * and publishes the rows of accepted runs. It returns what the report says.
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
import type { PlannedTrial, SuiteEntry } from '../../harness/plan/plan.ts';
import { type RunSuiteRequest, type RunSummary, runSuite } from './run-suite.ts';

export interface NightRequest extends Omit<RunSuiteRequest, 'retryFailed'> {
  /** How many unchanged variants are measured again, besides dense of each model. */
  readonly sentinels: number;
  /** Decides which variants are measured again. */
  readonly date: Date;
  /** Folder the rows of accepted runs are written to. */
  readonly results: string;
  /** Accept runs although dense left its control band, because the machine has changed. */
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

/** Parts that a suite is cut into, each of which comes first on one night of a week. */
const PARTS = 7;

/**
 * Dense of every model, then tonight's part of the other trials, then those of the nights to come: what one night leaves, the
 * next ones take up, and no method waits longer than a week for its turn.
 */
export function orderOfNight(date: Date): (plan: readonly PlannedTrial[]) => readonly PlannedTrial[] {
  const night = Math.floor(date.getTime() / DAY_MS);
  const turn = ({ key, registration }: PlannedTrial): number => {
    if (registration.method.id === DENSE_METHOD) return -1;
    const part = Number.parseInt(key.slice(0, 8), 16) % PARTS;
    return (((part - night) % PARTS) + PARTS) % PARTS;
  };
  return (plan) => plan.toSorted((a, b) => turn(a) - turn(b));
}

export async function runNight(request: NightRequest): Promise<NightSummary> {
  const { home, results, accept } = request;
  const suite = await runSuite({ ...request, order: orderOfNight(request.date), retryFailed: false });
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
      // Noisy timings take part in nothing; a night's qualities and sizes are published all the same.
      exported: accepted.map((run) => exportRun(store, run, results, { allowNoisy: true })),
    };
  });
}

/** Every method with something settled is measured again within so many nights. */
const NIGHTS_FOR_EVERY_METHOD = 28;

/**
 * Of the suite's trials that were done before tonight as many as asked for, or as it takes to come round all methods within
 * four weeks; and dense of every model. Nights take methods in turn, going on where the night before ended, and of a method
 * the next of its trials in order of their keys, so that in time all have their turn.
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
  const completed = plan
    .filter(({ key }) => !tonight.has(key) && done.trials.get(key)?.status === 'completed')
    // Training on a device is not bit-reproducible, and another artifact would look like drift.
    .filter(({ identity }) => identity.trainedOn === undefined)
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const isDense = ({ registration }: (typeof plan)[number]) => registration.method.id === DENSE_METHOD;
  const others = completed.filter((trial) => !isDense(trial));
  const methods = [...Map.groupBy(others, ({ registration }) => registration.method.id)]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, trials]) => trials);
  const wanted = sentinels === 0 ? 0 : Math.max(sentinels, Math.ceil(methods.length / NIGHTS_FOR_EVERY_METHOD));
  const count = Math.min(wanted, others.length);
  const start = Math.floor(date.getTime() / DAY_MS) * count;
  const chosen = new Set<(typeof plan)[number]>();
  for (let turn = start; chosen.size < count; turn++) {
    const own = methods[turn % methods.length] ?? [];
    const next = own[Math.floor(turn / methods.length) % own.length];
    if (next) chosen.add(next);
  }
  return [...completed.filter(isDense), ...chosen].map(({ entry, registration, identity }) => ({
    ...entry,
    variants: [{ registration, variant: identity.variant }],
    seeds: [identity.seed],
  }));
}

/** Runs in a store of its own, because a completed key is not run again; then imports the rows into the main store. */
async function measureAgain(request: NightRequest, entries: readonly SuiteEntry[]): Promise<RunSummary> {
  const home = join(request.home, 'sentinels');
  rmSync(home, { recursive: true, force: true });
  const suite = `${request.suite}-sentinels`;
  const artifacts = join(request.home, 'artifacts');
  const { mostSeconds: _, ...unlimited } = request;
  const summary = await runSuite({ ...unlimited, suite, entries, home, artifacts, retryFailed: false });
  const lines = readStore(home, (store) => [...exportRows(store, { run: summary.run })].map(lineOf));
  readStore(request.home, (store) => importRows(store, lines, { where: join(home, 'store.sqlite') }));
  rmSync(home, { recursive: true, force: true });
  return summary;
}

/** Takes every row of a run off the board; the next run measures its keys again. */
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
