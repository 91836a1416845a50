/** Has an artifact checked, evaluated and timed in a child process; hands over each piece as it comes, records nothing. */
import { join } from 'node:path';
import { type Bench, MOST_ATTEMPTS, type ScratchWork, describeEnding, runInScratch } from '../plan/bench.ts';
import type { ChildOutcome } from '../process/child-process.ts';
import type { JudgeMessage } from './judge-child.ts';
import type { Failure } from '../process/outcome.ts';
import type { PlannedTrial } from '../plan/plan.ts';

/** A finished piece under its key: the trial's for the contract check, an evaluation's or the measurement's. */
export type JudgedPiece = JudgeMessage & { readonly kind: 'done' };

export interface JudgeRequest {
  readonly trial: PlannedTrial;
  /** Of an artifact the workspace holds. */
  readonly sha256: string;
  /** Keys of the pieces to do; the trial's own where the artifact is to be checked against the contract. */
  readonly keys: Iterable<string>;
  readonly onPiece: (piece: JudgedPiece) => void;
}

export type Judged =
  | { readonly status: 'judged' }
  /** It breaks the contract: nothing else of it is done. */
  | { readonly status: 'rejected' }
  /** Nobody's fault that could be named: to be tried another time. */
  | { readonly status: 'undone'; readonly keys: readonly string[]; readonly reason: string };

const JUDGE_CHILD = join(import.meta.dirname, 'judge-child.ts');

export async function judgeArtifact(bench: Bench, { trial, sha256, keys, onPiece }: JudgeRequest): Promise<Judged> {
  const { workspace, preparer, limits, onProgress } = bench;
  const { model } = trial.entry;
  const open = new Set(keys);
  const preparedModel = await preparer.model(model);
  const testPaths = new Map<string, string>();
  const onDevice = open.has(trial.measurement.key) && trial.measurement.runner.provider !== 'cpu';
  for (const { key, dataset, task } of trial.evaluations) {
    if (open.has(key) || onDevice) testPaths.set(key, await preparer.test(model, dataset, task));
  }

  for (let attempt = 1; open.size > 0; attempt++) {
    let begun: string | undefined;
    let rejected = false;
    const child = { label: 'judge', entry: JUDGE_CHILD, timeoutSeconds: limits.judgeTimeoutSeconds };
    const outcome = await runInScratch(bench, child, (): ScratchWork<ChildOutcome> => ({
      specification: {
        model: preparedModel,
        artifactPath: workspace.artifactPath(sha256),
        denseSize: preparedModel.size,
        trialKey: open.has(trial.key) ? trial.key : null,
        control: trial.unit.method.control,
        evaluations: trial.evaluations
          .filter(({ key }) => open.has(key))
          .map(({ key }) => ({ key, testPath: testPaths.get(key) ?? '' })),
        measurement: open.has(trial.measurement.key)
          ? {
              ...trial.measurement,
              environment: bench.deviceEnvironment ?? {},
              tasks: trial.evaluations.map(({ key, task }) => ({ task: task.id, testPath: testPaths.get(key) ?? '' })),
            }
          : null,
      },
      onMessage(value) {
        const message = value as JudgeMessage;
        if (message.kind === 'begun') begun = message.key;
        if (message.kind === 'progress')
          onProgress?.({ kind: 'share', activity: message.activity, share: message.share });
        if (message.kind !== 'done') return;
        open.delete(message.key);
        begun = undefined;
        onPiece(message);
        rejected ||= message.activity === 'checking' && message.outcome.status !== 'completed';
      },
      settle: (ending) => ending,
    }));
    if (rejected) return { status: 'rejected' };
    if (open.size === 0) break;
    if (outcome.ending === 'killed' && attempt < MOST_ATTEMPTS) {
      const reason = `the process judging it was killed from outside (${outcome.signalName})`;
      onProgress?.({ kind: 'again', trial, reason });
      continue;
    }
    const failure = describeEnding(outcome, limits, limits.judgeTimeoutSeconds);
    if (begun === undefined) {
      const reason = `the process judging it ended between two pieces: ${failure.reason}`;
      return { status: 'undone', keys: [...open], reason };
    }
    onPiece(pieceOfDeath(trial, begun, failure));
    open.delete(begun);
    if (begun === trial.key) return { status: 'rejected' };
    attempt = 0;
  }
  return { status: 'judged' };
}

/** The piece whose process ended before it could say how it went. */
function pieceOfDeath(trial: PlannedTrial, key: string, outcome: Failure): JudgedPiece {
  const failed = { kind: 'done', key, outcome, wallSeconds: 0 } as const;
  if (key === trial.key) return { ...failed, activity: 'checking' };
  if (key === trial.measurement.key) return { ...failed, activity: 'timing' };
  return { ...failed, activity: 'evaluating' };
}
