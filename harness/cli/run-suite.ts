/** A run, end to end: plan, execute, and write every finished piece to the store. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type Catalog, recordCatalog } from '../../drizzle/catalog.ts';
import { type Store, openStore } from '../../drizzle/client.ts';
import { doneKeys } from '../../drizzle/queries.ts';
import { finishRun, recordEvaluation, recordMeasurement, recordRun, recordTrial } from '../../drizzle/record.ts';
import { datasets } from '../../datasets/index.ts';
import { models } from '../../models/index.ts';
import type { Status } from '../contracts/result.ts';
import { UnsupportedError } from '../contracts/errors.ts';
import { PROTOCOL } from '../contracts/protocol.ts';
import type { Machine, Provider, Runner } from '../contracts/runner.ts';
import { createHubClient } from '../hub/hub-client.ts';
import { type Done, type ExecutionSummary, type Limits, type ProgressEvent, execute, isDone } from '../jobs/execute.ts';
import { type SuiteEntry, planTrials } from '../jobs/plan.ts';
import { createPreparer } from '../jobs/prepare.ts';
import { sourceHash } from '../jobs/source-hash.ts';
import { openWorkspace } from '../jobs/workspace.ts';
import { readMachine, runnerOf } from '../measure/machine.ts';
import { modelRevision } from '../model/load-model.ts';
import { probeProvider } from '../runtime/provider-probe.ts';
import { REPOSITORY_ROOT, methodUnits, taskUnits } from './registry.ts';

export interface RunSuiteRequest {
  readonly suite: string;
  readonly entries: readonly SuiteEntry[];
  readonly limits: Limits;
  readonly home: string;
  /** What latency is measured on; default the CPU. */
  readonly provider?: Provider;
  /** Work through failed pieces once more. */
  readonly retryFailed: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (event: ProgressEvent) => void;
}

export interface RunSummary extends ExecutionSummary {
  readonly run: string;
  /** Fingerprint of what latency was measured on. */
  readonly runner: string;
  readonly planned: number;
  /** Trials that were in the store already, whole. */
  readonly alreadyDone: number;
  readonly wallSeconds: number;
  /** Wall time not spent in compressing, checking, evaluating or timing. */
  readonly overheadSeconds: number;
}

export async function runSuite(request: RunSuiteRequest): Promise<RunSummary> {
  const startedMs = performance.now();
  const startedAt = new Date().toISOString();
  const machine = readMachine();
  const { runner, environment } = await runnerHere(request.provider ?? 'cpu', machine);
  const plan = planTrials(request.entries, runner);
  const workspace = openWorkspace(request.home);
  const run = `${startedAt.slice(0, 19).replaceAll(/[:-]/g, '')}-${request.suite}-${process.pid.toString(36)}`;
  const store = openStore(workspace.storePath);
  try {
    recordCatalog(store, catalog());
    const done = doneIn(store, request.retryFailed);
    const open = plan.filter((trial) => !isDone(trial, done));
    const counts = { run, runner: runner.fingerprint, planned: plan.length, alreadyDone: plan.length - open.length };
    if (open.length === 0) {
      const none = { compressing: 0, checking: 0, evaluating: 0, timing: 0 };
      return { ...counts, seconds: none, recorded: 0, undone: [], wallSeconds: 0, overheadSeconds: 0 };
    }
    recordRun(store, {
      kind: 'run',
      id: run,
      suite: request.suite,
      protocol: PROTOCOL.version,
      commit: commitOf(REPOSITORY_ROOT),
      machine,
      startedAt,
      finishedAt: null,
      wallSeconds: null,
      overheadSeconds: null,
    });
    const retry = { retry: request.retryFailed };
    const summary = await execute({
      plan: open,
      run,
      machine,
      workspace,
      preparer: createPreparer(workspace, createHubClient()),
      done,
      recorder: {
        trial: (row) => void recordTrial(store, row, retry),
        evaluation: (row) => void recordEvaluation(store, row, retry),
        measurement: (row) => void recordMeasurement(store, row, retry),
      },
      limits: request.limits,
      deviceEnvironment: environment,
      signal: request.signal,
      onProgress: request.onProgress,
    });
    const wallSeconds = (performance.now() - startedMs) / 1000;
    const { compressing, checking, evaluating, timing } = summary.seconds;
    const overheadSeconds = wallSeconds - compressing - checking - evaluating - timing;
    finishRun(store, run, { finishedAt: new Date().toISOString(), wallSeconds, overheadSeconds });
    return { ...summary, ...counts, wallSeconds, overheadSeconds };
  } finally {
    store.close();
    workspace.release();
  }
}

/** Throws UnsupportedError with the reason where the provider does not run here. */
async function runnerHere(
  provider: Provider,
  machine: Machine,
): Promise<{ readonly runner: Runner; readonly environment: Readonly<Record<string, string>> }> {
  if (provider === 'cpu') return { runner: runnerOf(provider, machine), environment: {} };
  const probe = await probeProvider(provider);
  if (!probe.available) throw new UnsupportedError(`runner ${provider}: ${probe.reason}`);
  return { runner: runnerOf(provider, machine, probe.device), environment: probe.environment };
}

function doneIn(store: Store, retryFailed: boolean): Done {
  const keys = doneKeys(store, PROTOCOL.version);
  const counts = (status: Status) => !retryFailed || status === 'completed';
  return {
    trials: new Map([...keys.trials].filter(([, { status }]) => counts(status))),
    evaluations: new Set([...keys.evaluations].filter(([, status]) => counts(status)).map(([key]) => key)),
    measurements: new Set([...keys.measurements].filter(([, status]) => counts(status)).map(([key]) => key)),
  };
}

/** What the board tells of the registered units. */
export function catalog(): Catalog {
  return {
    methods: methodUnits.map(({ method, file }) => ({
      id: method.id,
      family: method.family,
      access: method.access,
      description: method.description,
      paper: { ...method.paper },
      licence: method.licence,
      control: method.control,
      variants: Object.entries(method.variants).map(([id, params]) => ({ id, params: { ...params } })),
      sourceFile: relative(REPOSITORY_ROOT, file),
      sourceHash: sourceHash(file),
    })),
    models: models.map((model) => ({
      id: model.id,
      title: model.title,
      architecture: model.architecture,
      licence: model.licence,
      citation: model.citation,
      trainedOn: [...model.trainedOn],
      revision: modelRevision(model),
    })),
    datasets: datasets.map(({ id, title, version, licence, citation, contentHash }) => ({
      id,
      title,
      version,
      licence,
      citation,
      contentHash,
    })),
    tasks: taskUnits.map(({ task: { slices, classes, ...task } }) => ({
      ...task,
      ...(slices && { slices: [...slices] }),
      ...(classes && { classes: [...classes] }),
    })),
  };
}

/** A file that takes the repository's place in an archive: the commit that was packed, or nothing. */
export const PACKED_COMMIT = '.packed-commit';

/** The commit the code is at, with `+` when tracked files differ from it; null outside a repository. */
export function commitOf(folder: string): string | null {
  const packed = join(folder, PACKED_COMMIT);
  if (existsSync(packed)) return readFileSync(packed, 'utf8') || null;
  try {
    const git = (...args: readonly string[]) =>
      execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return git('rev-parse', 'HEAD') + (changed ? '+' : '');
  } catch {
    return null;
  }
}
