/**
 * Works through a plan on this machine: a child process per job, and a row for each finished step, written the moment it
 * is known. Trials are compressed and judged one after another; measuring is a pass of its own at the end, when nothing
 * else runs. What the store holds is skipped, so the same call continues an interrupted run.
 */
import type { Machine } from '../../contracts/runner.ts';
import { judgeArtifact } from '../judge/judge-artifact.ts';
import type { Bench } from '../plan/bench.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import { compressTrial } from './compress-trial.ts';
import { type Coordinator, type ExecutionSummary, coordinateTrials } from './coordinate-trials.ts';
import type { Recorder } from './record-step.ts';
import { type RunPatience, createPatience } from './run-patience.ts';
import type { Done, JobKind, TrialJob } from './trial-progress.ts';
import { warmTrialCache } from './warm-trial-cache.ts';

export interface ExecuteRequest extends Bench {
  readonly plan: readonly PlannedTrial[];
  readonly run: string;
  readonly machine: Machine;
  readonly done: Done;
  readonly recorder: Recorder;
  /**
   * No trial is begun after so many seconds, no artifact measured after a third more; what is left stays for another run.
   * Default: as long as it takes.
   */
  readonly mostSeconds?: number;
}

/** Share of the time to begin trials that is added for measuring them. */
const MEASURING_SHARE = 1 / 3;

/** The jobs of each pass. A lost artifact is made again in whichever pass misses it. */
const PASSES: readonly (readonly JobKind[])[] = [
  ['compress', 'judge'],
  ['compress', 'judge', 'measure'],
];

export async function execute(request: ExecuteRequest): Promise<ExecutionSummary> {
  const { workspace, signal, mostSeconds = Infinity } = request;
  const coordinator = coordinateTrials(request);
  const patience = createPatience();
  await warmTrialCache(
    workspace.trialCache,
    [...coordinator.open.values()].map(({ registration }) => registration.file),
  );
  const startedMs = performance.now();
  for (const [pass, kinds] of PASSES.entries()) {
    const most = mostSeconds * (pass === 0 ? 1 : 1 + MEASURING_SHARE);
    for (const trial of coordinator.open.values()) {
      if ((performance.now() - startedMs) / 1000 > most) break;
      // A trial that the first pass did not begin is not begun while others are measured.
      if (pass > 0 && most < Infinity && coordinator.jobOf(trial)?.kind === 'compress') continue;
      for (let job = coordinator.jobOf(trial); job && kinds.includes(job.kind); job = coordinator.jobOf(trial)) {
        signal?.throwIfAborted();
        coordinator.tell(trial, job.kind);
        await perform(request, coordinator, { trial, job, patience });
      }
    }
  }
  return coordinator.summary();
}

async function perform(
  request: ExecuteRequest,
  coordinator: Coordinator,
  { trial, job, patience }: { readonly trial: PlannedTrial; readonly job: TrialJob; readonly patience: RunPatience },
): Promise<void> {
  const { machine } = request;
  if (!job.artifact) {
    coordinator.compressed(trial, await compressTrial(request, trial), machine);
    return;
  }
  const { sha256, keys, made } = job.artifact;
  const judged = await judgeArtifact(request, {
    trial,
    sha256,
    keys,
    patience: patience.left(),
    onStep(step) {
      patience.spend(step);
      coordinator.step(trial, { sha256, made, step, machine });
    },
  });
  coordinator.judged(trial, judged);
}
