/** Checks, evaluates and measures an artifact in a child process. Reports each step as it ends; the caller writes the rows. */
import { basename, join } from 'node:path';
import { present } from '../../contracts/present.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Patience } from '../measure/measurement-task.ts';
import { type Bench, MOST_ATTEMPTS, type ScratchWork, describeEnding, runInScratch } from '../plan/bench.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import type { ChildOutcome } from '../process/child-process.ts';
import { readMachine } from '../measure/machine.ts';
import type { Failure } from '../process/outcome.ts';
import { denseScoresName } from './dense-scores.ts';
import type { JudgeMessage, JudgeSpecification } from './judge-child.ts';

/** A finished step under its key: the trial's for the check, an evaluation's or the measurement's. */
export type JudgedStep = JudgeMessage & { readonly kind: 'done' };

export interface JudgeRequest {
  readonly trial: PlannedTrial;
  /** Of an artifact the workspace holds. */
  readonly sha256: string;
  /** Keys of the steps to do; the trial's own where the artifact is to be checked against the contract. */
  readonly keys: Iterable<string>;
  readonly onStep: (step: JudgedStep) => void;
  /** How long a timing may be postponed and repeated; default: the limit for a single measurement. */
  readonly patience?: Patience;
}

export type Judged =
  | { readonly status: 'judged' }
  /** The artifact breaks the contract: its other steps are skipped. */
  | { readonly status: 'rejected' }
  /** The judge died between steps; the next run retries these keys. */
  | { readonly status: 'undone'; readonly keys: readonly string[]; readonly reason: string };

const ALONE: Patience = { seconds: PROTOCOL.quietMachine.patienceSeconds, lookFirst: true };

const JUDGE_CHILD = join(import.meta.dirname, 'judge-child.ts');

export async function judgeArtifact(
  bench: Bench,
  { trial, sha256, keys, onStep, patience = ALONE }: JudgeRequest,
): Promise<Judged> {
  const { limits, onProgress } = bench;
  const open = new Set(keys);
  const specificationOf = await prepareJudge(bench, { trial, sha256, open, patience });
  /** How often the judge was killed from outside, by step; '' between steps. */
  const kills = new Map<string, number>();

  while (open.size > 0) {
    let begun: string | undefined;
    let rejected = false;
    const child = { label: 'judge', entry: JUDGE_CHILD, timeoutSeconds: limits.judgeTimeoutSeconds };
    const outcome = await runInScratch(bench, child, (): ScratchWork<ChildOutcome> => ({
      specification: specificationOf(),
      onMessage(value) {
        const message = value as JudgeMessage;
        if (message.kind === 'begun') begun = message.key;
        if (message.kind === 'progress') onProgress?.({ kind: 'share', step: message.step, share: message.share });
        if (message.kind !== 'done') return;
        open.delete(message.key);
        begun = undefined;
        onStep(message);
        rejected ||= message.step === 'check' && message.outcome.status !== 'completed';
      },
      settle: (ending) => ending,
    }));
    if (rejected) return { status: 'rejected' };
    if (open.size === 0) break;
    if (outcome.ending === 'killed') {
      const count = (kills.get(begun ?? '') ?? 0) + 1;
      kills.set(begun ?? '', count);
      if (count < MOST_ATTEMPTS) {
        const reason = `the process judging it was killed from outside (${outcome.signalName})`;
        onProgress?.({ kind: 'again', trial, reason });
        continue;
      }
    }
    const failure = describeEnding(outcome, limits, limits.judgeTimeoutSeconds);
    if (begun === undefined) {
      const reason = `the judge died between steps (${failure.reason}); the next run retries them`;
      return { status: 'undone', keys: [...open], reason };
    }
    onStep(failedStep(trial, begun, failure));
    open.delete(begun);
    if (begun === trial.key) return { status: 'rejected' };
  }
  return { status: 'judged' };
}

/** Prepares the inputs of all open steps once; the returned function describes the steps that remain. */
async function prepareJudge(
  { workspace, preparer, deviceEnvironment, limits }: Bench,
  {
    trial,
    sha256,
    open,
    patience,
  }: Pick<JudgeRequest, 'trial' | 'sha256'> & {
    readonly open: ReadonlySet<string>;
    readonly patience: Patience;
  },
): Promise<() => JudgeSpecification> {
  const { model } = trial.entry;
  const preparedModel = await preparer.model(model);
  const testPaths = new Map<string, string>();
  const onDevice = open.has(trial.measurement.key) && trial.measurement.runner.provider !== 'cpu';
  for (const { key, dataset, task } of trial.evaluations) {
    if (open.has(key) || onDevice) testPaths.set(key, await preparer.test(model, dataset, task));
  }
  const machine = readMachine();
  const itemsOf = (key: string) => {
    const testPath = present(testPaths.get(key), `the prepared test items of ${key}`);
    const { threads } = PROTOCOL.quality;
    const name = denseScoresName({ dense: preparedModel.sha256, items: basename(testPath), machine, threads });
    return { testPath, denseScores: workspace.denseScoresPath(name) };
  };
  const { control } = trial.registration.method;
  const checkedPairs = new Set(
    trial.evaluations
      .filter(({ key, task }) => open.has(key) && !control && preparer.isFirst(`pair of ${model.id} on ${task.id}`))
      .map(({ key }) => key),
  );
  return () => ({
    model: preparedModel,
    artifactPath: workspace.artifactPath(sha256),
    denseSize: preparedModel.size,
    trialKey: open.has(trial.key) ? trial.key : null,
    control,
    evaluations: trial.evaluations
      .filter(({ key }) => open.has(key))
      .map(({ key }) => ({ key, ...itemsOf(key), checkPair: checkedPairs.has(key) })),
    measurement: open.has(trial.measurement.key)
      ? {
          ...trial.measurement,
          environment: deviceEnvironment ?? {},
          // Waiting must not exceed the time limit, which would be recorded as the artifact's failure.
          patience: { ...patience, seconds: Math.min(patience.seconds, limits.judgeTimeoutSeconds / 4) },
          tasks: onDevice ? trial.evaluations.map(({ key, task }) => ({ task: task.id, ...itemsOf(key) })) : [],
        }
      : null,
  });
}

/** The step whose process ended before it could report a result. */
function failedStep(trial: PlannedTrial, key: string, outcome: Failure): JudgedStep {
  const failed = { kind: 'done', key, outcome, wallSeconds: 0 } as const;
  if (key === trial.key) return { ...failed, step: 'check' };
  if (key === trial.measurement.key) return { ...failed, step: 'measure' };
  return { ...failed, step: 'evaluate' };
}
