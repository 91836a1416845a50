/**
 * Works through a plan: a child process per trial, another to judge what it made, and a row for each finished piece,
 * handed over the moment it is known. What is done already is skipped, so running again goes on where a run ended.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EvaluationRow, MeasurementRow, Status, TrialRow } from '../contracts/result.ts';
import type { Machine } from '../contracts/runner.ts';
import { type ChildOutcome, runChild } from './child-process.ts';
import type { Activity, JudgeMessage, JudgeSpecification } from './judge-child.ts';
import type { Failure } from './outcome.ts';
import type { PlannedTrial } from './plan.ts';
import type { Preparer } from './prepare.ts';
import { evaluationRow, measurementRow, trialRow } from './rows.ts';
import type { TrialReport, TrialSpecification } from './trial-child.ts';
import type { Workspace } from './workspace.ts';

export interface Limits {
  readonly trialTimeoutSeconds: number;
  readonly judgeTimeoutSeconds: number;
  readonly memoryBytes: number;
}

/** What the store holds. */
export interface Done {
  readonly trials: ReadonlyMap<string, { readonly status: Status; readonly artifact: string | null }>;
  readonly evaluations: ReadonlySet<string>;
  readonly measurements: ReadonlySet<string>;
}

/** Called once per finished row; returns when the row is on disk for good. */
export interface Recorder {
  trial(row: TrialRow): void;
  evaluation(row: EvaluationRow): void;
  measurement(row: MeasurementRow): void;
}

export interface ExecuteRequest {
  readonly plan: readonly PlannedTrial[];
  readonly run: string;
  readonly machine: Machine;
  readonly workspace: Workspace;
  readonly preparer: Preparer;
  readonly done: Done;
  readonly recorder: Recorder;
  readonly limits: Limits;
  /** Variables that lead to the device of the plan's runner; none on the CPU. */
  readonly deviceEnvironment?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
}

export type ProgressEvent =
  | { readonly kind: 'trial'; readonly trial: PlannedTrial; readonly index: number; readonly total: number }
  | { readonly kind: 'share'; readonly activity: Activity; readonly share: number }
  | { readonly kind: 'finished'; readonly trial: PlannedTrial; readonly status: Status; readonly reason?: string }
  | { readonly kind: 'again'; readonly trial: PlannedTrial; readonly reason: string };

export interface ExecutionSummary {
  readonly seconds: Readonly<Record<Activity, number>>;
  readonly recorded: number;
  /** Pieces without a row: their process was killed from outside again and again, or their artifact is lost. */
  readonly undone: readonly Undone[];
}

export interface Undone {
  readonly key: string;
  /** `gptq/w4g32 on stories260k` */
  readonly name: string;
  readonly reason: string;
}

/** A process killed from outside says nothing of the method: it is tried again, but not for ever. */
const MOST_ATTEMPTS = 3;
const TRIAL_CHILD = join(import.meta.dirname, 'trial-child.ts');
const JUDGE_CHILD = join(import.meta.dirname, 'judge-child.ts');

export async function execute(request: ExecuteRequest): Promise<ExecutionSummary> {
  const { plan, done, signal, onProgress } = request;
  const state: ExecutionState = {
    request,
    seconds: { compressing: 0, checking: 0, evaluating: 0, timing: 0 },
    recorded: 0,
    undone: [],
  };
  const open = plan.filter((trial) => !isDone(trial, done));
  for (const [index, trial] of open.entries()) {
    signal?.throwIfAborted();
    onProgress?.({ kind: 'trial', trial, index, total: open.length });
    await executeTrial(state, trial);
  }
  return { seconds: state.seconds, recorded: state.recorded, undone: state.undone };
}

/** True when nothing of this trial is left to do: it failed, or it and all that follows it is in the store. */
export function isDone(trial: PlannedTrial, done: Done): boolean {
  const stored = done.trials.get(trial.key);
  if (!stored) return false;
  if (stored.status !== 'completed') return true;
  return (
    trial.evaluations.every(({ key }) => done.evaluations.has(key)) && done.measurements.has(trial.measurement.key)
  );
}

interface ExecutionState {
  readonly request: ExecuteRequest;
  readonly seconds: Record<Activity, number>;
  recorded: number;
  readonly undone: Undone[];
}

/** What is known of a trial while its artifact is judged. */
interface Candidate {
  readonly trial: PlannedTrial;
  readonly sha256: string;
  /** Null when the trial's row is in the store already. */
  readonly report: TrialReport | null;
  readonly startedAt: string;
}

async function executeTrial(state: ExecutionState, trial: PlannedTrial): Promise<void> {
  const { workspace, done } = state.request;
  const stored = done.trials.get(trial.key);
  const startedAt = new Date().toISOString();
  if (stored?.artifact && workspace.hasArtifact(stored.artifact)) {
    await judge(state, { trial, sha256: stored.artifact, report: null, startedAt });
    return;
  }
  const made = await compress(state, trial, startedAt);
  if (!made) return;
  if (stored && stored.artifact !== made.sha256) {
    const reason =
      `the store's artifact ${stored.artifact} is gone and making it again gave ${made.sha256}; ` +
      'run with a fresh --home, or make the method deterministic';
    leaveUndone(state, trial, { keys: openPieces(state, trial), reason });
    return;
  }
  await judge(state, { trial, sha256: made.sha256, report: stored ? null : made.report, startedAt });
}

/** Keys of the evaluations and the measurement that are still to do. */
function openPieces(state: ExecutionState, trial: PlannedTrial): string[] {
  const { done } = state.request;
  return [
    ...trial.evaluations.map(({ key }) => key).filter((key) => !done.evaluations.has(key)),
    ...[trial.measurement.key].filter((key) => !done.measurements.has(key)),
  ];
}

function leaveUndone(
  state: ExecutionState,
  trial: PlannedTrial,
  { keys, reason }: { readonly keys: Iterable<string>; readonly reason: string },
): void {
  const { method, variant, model } = trial.identity;
  for (const key of keys) state.undone.push({ key, name: `${method}/${variant} on ${model}`, reason });
}

/** Runs the method. Records the row of a trial that failed and gives undefined; else keeps the artifact. */
async function compress(
  state: ExecutionState,
  trial: PlannedTrial,
  startedAt: string,
): Promise<{ readonly sha256: string; readonly report: TrialReport } | undefined> {
  const { workspace, preparer, limits, recorder, run, machine, onProgress } = state.request;
  const { entry, unit, identity } = trial;
  const { model, calibration } = entry;
  const { access } = unit.method;
  const preparedModel = await preparer.model(model);
  const calibrationPath = access === 'data-free' ? null : await preparer.calibration(model, calibration, identity.seed);
  const trainingPath = access === 'trained' ? await preparer.training(model, calibration, identity.seed) : null;

  for (let attempt = 1; ; attempt++) {
    const scratch = workspace.scratch('trial');
    const specification: TrialSpecification = {
      methodFile: unit.file,
      params: identity.params,
      randomSeed: `${identity.method}/${identity.variant}/${identity.seed}`,
      model: preparedModel,
      calibrationPath,
      trainingPath,
      artifactPath: join(scratch, 'artifact.onnx'),
      reportPath: join(scratch, 'report.json'),
    };
    const outcome = await runScratch(state, {
      entry: TRIAL_CHILD,
      specification,
      scratch,
      timeoutSeconds: limits.trialTimeoutSeconds,
      onMessage: (message) => onProgress?.({ kind: 'share', activity: 'compressing', share: shareOf(message) }),
    });
    const report = withPeak(readReport(specification.reportPath), outcome);
    if (outcome.ending === 'killed' && !report && attempt < MOST_ATTEMPTS) {
      onProgress?.({ kind: 'again', trial, reason: `its process was killed from outside (${outcome.signalName})` });
      rmSync(scratch, { recursive: true, force: true });
      continue;
    }
    state.seconds.compressing += report?.cost.wallSeconds ?? outcome.wallSeconds;
    try {
      if (report?.outcome.status === 'completed') {
        return { sha256: workspace.keepArtifact(readFileSync(specification.artifactPath)), report };
      }
      const failure = report?.outcome ?? describeEnding(outcome, limits, limits.trialTimeoutSeconds);
      if (state.request.done.trials.has(trial.key)) {
        const reason = `its artifact is gone and making it again failed: ${failure.status}: ${failure.reason}`;
        leaveUndone(state, trial, { keys: openPieces(state, trial), reason });
      } else {
        recorder.trial(trialRow({ trial, run, machine, startedAt }, report ?? null, failure));
        state.recorded++;
      }
      onProgress?.({ kind: 'finished', trial, status: failure.status, reason: failure.reason });
      return undefined;
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
}

/** Has the artifact checked, evaluated and timed in a child process, and records each piece as it comes. */
async function judge(state: ExecutionState, candidate: Candidate): Promise<void> {
  const { workspace, preparer, limits, onProgress } = state.request;
  const { trial } = candidate;
  const { model } = trial.entry;
  const open = new Set([...(candidate.report ? [trial.key] : []), ...openPieces(state, trial)]);
  const preparedModel = await preparer.model(model);
  const testPaths = new Map<string, string>();
  const onDevice = open.has(trial.measurement.key) && trial.measurement.runner.provider !== 'cpu';
  for (const { key, dataset, task } of trial.evaluations) {
    if (open.has(key) || onDevice) testPaths.set(key, await preparer.test(model, dataset, task));
  }

  for (let attempt = 1; open.size > 0; attempt++) {
    const scratch = workspace.scratch('judge');
    const specification: JudgeSpecification = {
      model: preparedModel,
      artifactPath: workspace.artifactPath(candidate.sha256),
      denseSize: preparedModel.size,
      trialKey: open.has(trial.key) ? trial.key : null,
      control: trial.unit.method.control,
      evaluations: trial.evaluations
        .filter(({ key }) => open.has(key))
        .map(({ key }) => ({ key, testPath: testPaths.get(key) ?? '' })),
      measurement: open.has(trial.measurement.key)
        ? {
            ...trial.measurement,
            environment: state.request.deviceEnvironment ?? {},
            tasks: trial.evaluations.map(({ key, task }) => ({ task: task.id, testPath: testPaths.get(key) ?? '' })),
          }
        : null,
    };
    let begun: string | undefined;
    let rejected = false;
    const outcome = await runScratch(state, {
      entry: JUDGE_CHILD,
      specification,
      scratch,
      timeoutSeconds: limits.judgeTimeoutSeconds,
      onMessage(value) {
        const message = value as JudgeMessage;
        if (message.kind === 'begun') begun = message.key;
        if (message.kind === 'progress')
          onProgress?.({ kind: 'share', activity: message.activity, share: message.share });
        if (message.kind !== 'done') return;
        open.delete(message.key);
        begun = undefined;
        state.seconds[message.activity] += message.wallSeconds;
        recordPiece(state, candidate, message);
        rejected ||= message.activity === 'checking' && message.outcome.status !== 'completed';
      },
    });
    rmSync(scratch, { recursive: true, force: true });
    if (rejected) return;
    if (open.size === 0) break;
    if (outcome.ending === 'killed' && attempt < MOST_ATTEMPTS) {
      onProgress?.({
        kind: 'again',
        trial,
        reason: `the process judging it was killed from outside (${outcome.signalName})`,
      });
      continue;
    }
    if (begun === undefined) {
      const reason = `the process judging it ended between two pieces: ${describeEnding(outcome, limits, limits.judgeTimeoutSeconds).reason}`;
      leaveUndone(state, trial, { keys: open, reason });
      return;
    }
    recordDeath(state, candidate, begun, describeEnding(outcome, limits, limits.judgeTimeoutSeconds));
    open.delete(begun);
    if (begun === trial.key) return;
    attempt = 0;
  }
  onProgress?.({ kind: 'finished', trial, status: 'completed' });
}

function recordPiece(state: ExecutionState, candidate: Candidate, piece: JudgeMessage & { kind: 'done' }): void {
  const { recorder, run, machine, onProgress } = state.request;
  const { trial, sha256, report } = candidate;
  const { wallSeconds } = piece;
  const origin = { trial, run, machine, startedAt: new Date(Date.now() - wallSeconds * 1000).toISOString() };
  if (piece.activity === 'checking') {
    recorder.trial(trialRow({ ...origin, startedAt: candidate.startedAt }, report, piece.outcome));
    if (piece.outcome.status !== 'completed') onProgress?.({ kind: 'finished', trial, ...piece.outcome });
  } else if (piece.activity === 'evaluating') {
    const planned = trial.evaluations.find(({ key }) => key === piece.key);
    if (planned)
      recorder.evaluation(evaluationRow(origin, planned, { artifact: sha256, wallSeconds, outcome: piece.outcome }));
  } else {
    recorder.measurement(measurementRow(origin, { artifact: sha256, wallSeconds, outcome: piece.outcome }));
  }
  state.recorded++;
}

/** Records a piece whose process ended before it could say how it went. */
function recordDeath(state: ExecutionState, candidate: Candidate, key: string, outcome: Failure): void {
  const { trial } = candidate;
  const failed = { kind: 'done', key, outcome, wallSeconds: 0 } as const;
  if (key === trial.key) recordPiece(state, candidate, { ...failed, activity: 'checking' });
  else if (key === trial.measurement.key) recordPiece(state, candidate, { ...failed, activity: 'timing' });
  else recordPiece(state, candidate, { ...failed, activity: 'evaluating' });
}

async function runScratch(
  state: ExecutionState,
  child: {
    readonly entry: string;
    readonly specification: TrialSpecification | JudgeSpecification;
    readonly scratch: string;
    readonly timeoutSeconds: number;
    readonly onMessage: (message: unknown) => void;
  },
): Promise<ChildOutcome> {
  const { workspace, limits, signal } = state.request;
  const path = join(child.scratch, 'specification.json');
  writeFileSync(path, JSON.stringify(child.specification));
  const outcome = await runChild({
    entry: child.entry,
    args: [path],
    cwd: child.scratch,
    compileCache: workspace.compileCache,
    timeoutSeconds: child.timeoutSeconds,
    memoryBytes: limits.memoryBytes,
    onMessage: child.onMessage,
    ...(signal && { signal }),
  });
  signal?.throwIfAborted();
  return outcome;
}

function shareOf(message: unknown): number {
  const { share } = message as { readonly share?: unknown };
  return typeof share === 'number' && share >= 0 && share <= 1 ? share : 0;
}

function readReport(path: string): TrialReport | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as TrialReport;
  } catch {
    return undefined; // none, or cut short by the child's death: the ending says why
  }
}

/** The peak of a method that starts processes is theirs and its own together, as far as it was sampled. */
function withPeak(report: TrialReport | undefined, { peakMemoryBytes }: ChildOutcome): TrialReport | undefined {
  if (!report || report.cost.peakMemoryBytes >= peakMemoryBytes) return report;
  return { ...report, cost: { ...report.cost, peakMemoryBytes } };
}

function describeEnding(outcome: ChildOutcome, limits: Limits, timeoutSeconds: number): Failure {
  const megabytes = Math.round(outcome.peakMemoryBytes / 2 ** 20);
  switch (outcome.ending) {
    case 'timeout':
      return { status: 'timeout', reason: `not finished after ${timeoutSeconds} s; stopped` };
    case 'out-of-memory':
      return {
        status: 'out-of-memory',
        reason: `needed more than the limit of ${Math.round(limits.memoryBytes / 2 ** 20)} MiB (${megabytes} MiB seen); stopped`,
      };
    case 'killed':
      return {
        status: 'failed',
        reason: `killed by ${outcome.signalName} ${MOST_ATTEMPTS} times${lastWords(outcome.errorOutput)}`,
      };
    case 'crashed':
      return { status: 'failed', reason: `crashed with ${outcome.signalName}${lastWords(outcome.errorOutput)}` };
    case 'exited':
      return {
        status: 'failed',
        reason: `its process ended with exit code ${outcome.exitCode} and no report${lastWords(outcome.errorOutput)}`,
      };
    case 'aborted':
      return { status: 'failed', reason: 'aborted' };
  }
}

function lastWords(errorOutput: string): string {
  return errorOutput === ''
    ? '; it printed nothing on standard error'
    : `; last on standard error: ${errorOutput.slice(-2000)}`;
}
