/** A run, end to end: plan, execute, and write the row of every finished step to the store. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Redis } from 'ioredis';
import { type Catalog, recordCatalog } from '../../drizzle/catalog.ts';
import { type Store, openStore } from '../../drizzle/client.ts';
import { doneKeys } from '../../drizzle/queries.ts';
import { finishRun, recordEvaluation, recordMeasurement, recordRun, recordTrial } from '../../drizzle/record.ts';
import { datasets } from '../../datasets/index.ts';
import { models } from '../../models/index.ts';
import type { EvaluationRow, MeasurementRow, Status, TrialRow } from '../../contracts/result.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Provider } from '../../contracts/runner.ts';
import { createHubClient } from '../../engine/hub/hub-client.ts';
import type { Limits, ProgressEvent } from '../../harness/plan/bench.ts';
import type { ExecutionSummary } from '../../harness/trial/coordinate-trials.ts';
import { execute } from '../../harness/trial/execute.ts';
import { type Done, isDone } from '../../harness/trial/trial-progress.ts';
import { connectRedis } from '../../harness/fleet/fleet.ts';
import { chooseRunner, executeInFleet } from '../../harness/fleet/fleet-coordinator.ts';
import { type PlannedTrial, type SuiteEntry, planTrials } from '../../harness/plan/plan.ts';
import { requireOwnFilesOf } from '../../harness/plan/method-sources.ts';
import { createPreparer } from '../../harness/plan/prepare.ts';
import type { SandboxPolicy } from '../../harness/sandbox/sandbox-support.ts';
import { openWorkspace } from '../../harness/plan/workspace.ts';
import { readMachine } from '../../harness/measure/machine.ts';
import type { ModelDefinition } from '../../engine/definitions/model.ts';
import { modelRevision } from '../../engine/model/load-model.ts';
import { remark } from './output.ts';
import { REPOSITORY_ROOT, methodRegistrations, taskRegistrations } from './registry.ts';
import { type RunnerHere, runnerHere } from './runner-here.ts';
import { newRunId } from './run-id.ts';

export interface RunSuiteRequest {
  readonly suite: string;
  readonly entries: readonly SuiteEntry[];
  readonly limits: Limits;
  /** Default: `auto`. */
  readonly sandbox?: SandboxPolicy;
  readonly home: string;
  /** The execution provider that latency is measured on. Default: the CPU. */
  readonly provider?: Provider;
  /** Train on that device. Default: on the CPU. */
  readonly trainOnDevice?: boolean;
  /** Run failed steps again. */
  readonly retryFailed: boolean;
  /** Which trials come first; default as the entries have them. */
  readonly order?: (plan: readonly PlannedTrial[]) => readonly PlannedTrial[];
  /** Seconds after which no trial is begun; default as many as it takes. Not in a fleet. */
  readonly mostSeconds?: number;
  readonly signal: AbortSignal;
  readonly onProgress: (event: ProgressEvent) => void;
  /** Folder of artifacts. Default: the one in the home. */
  readonly artifacts?: string;
  /** Run the steps in a fleet of workers instead of on this machine. */
  readonly fleet?: FleetChoice;
}

export interface FleetChoice {
  /** Address of Redis. */
  readonly redis: string;
  readonly provider: Provider;
  /** Beginning of a runner's fingerprint; needed where the fleet has workers of several kinds. */
  readonly kind?: string | undefined;
}

export interface RunSummary extends ExecutionSummary {
  readonly run: string;
  readonly plan: readonly PlannedTrial[];
  /** Fingerprint of the runner. */
  readonly runner: string;
  readonly planned: number;
  /** Trials that the store already held with all their evaluations and measurements. */
  readonly alreadyDone: number;
  readonly wallSeconds: number;
  /** Wall time outside of compressing, checking, evaluating and timing; null for a fleet, which runs these side by side. */
  readonly overheadSeconds: number | null;
}

/** What is printed of it: the plan is the code's own. */
export function withoutPlan(summary: RunSummary): Omit<RunSummary, 'plan'> & { readonly plan: undefined } {
  return { ...summary, plan: undefined };
}

export async function runSuite(request: RunSuiteRequest): Promise<RunSummary> {
  const startedMs = performance.now();
  const startedAt = new Date().toISOString();
  requireOwnFilesOf(request.entries);
  const machine = readMachine();
  const place = request.fleet ?? (await runnerHere(request.provider ?? 'cpu', machine));
  const workspace = openWorkspace(
    request.home,
    request.artifacts === undefined ? {} : { artifacts: request.artifacts },
  );
  const run = newRunId(startedAt, request.suite);
  let store: Store | undefined;
  let redis: Redis | undefined;
  try {
    const opened = openStore(workspace.storePath);
    store = opened;
    recordCatalog(store, catalog(request.entries.map(({ model }) => model)));
    let here: RunnerHere;
    if ('runner' in place) here = place;
    else {
      redis = await connectRedis(place.redis, remark);
      // Each worker finds its own device.
      here = { runner: await chooseRunner(redis, { ...place, signal: request.signal }, remark), environment: {} };
    }
    const { runner, environment } = here;
    const planned = planTrials(request.entries, runner, request);
    const plan = request.order?.(planned) ?? planned;
    const done = doneIn(store, { plan, retryFailed: request.retryFailed });
    const open = plan.filter((trial) => !isDone(trial, done));
    const counts = {
      run,
      plan,
      runner: runner.fingerprint,
      planned: plan.length,
      alreadyDone: plan.length - open.length,
    };
    if (open.length === 0) {
      const none = { compress: 0, check: 0, evaluate: 0, measure: 0 };
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
    const work = {
      plan: open,
      run,
      workspace,
      done,
      recorder: {
        trial: (row: TrialRow) => void recordTrial(opened, row, retry),
        evaluation: (row: EvaluationRow) => void recordEvaluation(opened, row, retry),
        measurement: (row: MeasurementRow) => void recordMeasurement(opened, row, retry),
      },
      limits: request.limits,
      ...(request.mostSeconds !== undefined && { mostSeconds: request.mostSeconds }),
      ...(request.sandbox && { sandbox: request.sandbox }),
      deviceEnvironment: environment,
      signal: request.signal,
      onProgress: request.onProgress,
    };
    const summary = redis
      ? await executeInFleet({ ...work, redis, runner })
      : await execute({ ...work, machine, preparer: createPreparer(workspace, createHubClient()) });
    const wallSeconds = (performance.now() - startedMs) / 1000;
    const { compress, check, evaluate, measure } = summary.seconds;
    const overheadSeconds = redis ? null : wallSeconds - compress - check - evaluate - measure;
    finishRun(store, run, { finishedAt: new Date().toISOString(), wallSeconds, overheadSeconds });
    return { ...summary, ...counts, wallSeconds, overheadSeconds };
  } finally {
    redis?.disconnect();
    store?.close();
    workspace.release();
  }
}

function doneIn(
  store: Store,
  { plan, retryFailed }: { readonly plan: readonly PlannedTrial[]; readonly retryFailed: boolean },
): Done {
  const keys = doneKeys(
    store,
    plan.map(({ key }) => key),
  );
  const counts = (status: Status) => !retryFailed || status === 'completed';
  return {
    trials: new Map([...keys.trials].filter(([, { status }]) => counts(status))),
    evaluations: new Set([...keys.evaluations].filter(([, status]) => counts(status)).map(([key]) => key)),
    measurements: new Set([...keys.measurements].filter(([, status]) => counts(status)).map(([key]) => key)),
  };
}

/** The registered methods, models and tasks, and the models `named` by folder or hub, as the store keeps them for the board. */
export function catalog(named: readonly ModelDefinition[] = []): Catalog {
  const all = new Map([...models, ...named].map((model) => [model.id, model]));
  return {
    methods: methodRegistrations.map(({ method, file }) => ({
      id: method.id,
      family: method.family,
      access: method.access,
      revision: method.revision,
      description: method.description,
      paper: { ...method.paper },
      licence: method.licence,
      control: method.control,
      variants: Object.entries(method.variants).map(([id, params]) => ({
        id,
        params: { ...params },
        random: method.random,
      })),
      sourceFile: relative(REPOSITORY_ROOT, file),
    })),
    models: [...all.values()].map((model) => ({
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
    tasks: taskRegistrations.map(
      ({ task: { id, title, dataset, metric, higherIsBetter, chance, slices, classes, description } }) => ({
        id,
        title,
        dataset,
        metric,
        higherIsBetter,
        description,
        ...(chance !== undefined && { chance }),
        ...(slices && { slices: [...slices] }),
        ...(classes && { classes: [...classes] }),
      }),
    ),
  };
}

/** A file that an archive contains instead of a repository: the commit that was packed, or nothing. */
export const PACKED_COMMIT = '.packed-commit';

/** The commit of the code, with `+` if tracked files differ from it; null outside a repository. */
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
