/** Runs a method in a child process and keeps the artifact it makes in the workspace. The caller writes the rows. */
import { join } from 'node:path';
import { type Bench, MOST_ATTEMPTS, type ScratchWork, describeEnding, lastWords, runInScratch } from '../plan/bench.ts';
import type { ChildOutcome } from '../process/child-process.ts';
import type { Outcome } from '../process/outcome.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import { sandboxFor } from '../sandbox/sandbox-support.ts';
import { confineTrial } from './confine-trial.ts';
import type { TrialSpecification } from './trial-child.ts';
import type { TrialAccount } from './trial-report.ts';

export interface Compressed {
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly account: TrialAccount;
  readonly wallSeconds: number;
  /** Completed: the SHA-256 under which the workspace holds the artifact. */
  readonly outcome: Outcome<string>;
  /** The process ended before the method was loaded: this says nothing about the method. */
  readonly beforeMethod?: boolean;
}

const TRIAL_CHILD = join(import.meta.dirname, 'trial-child.ts');

export async function compressTrial(bench: Bench, trial: PlannedTrial): Promise<Compressed> {
  const { workspace, preparer, limits, onProgress } = bench;
  const { entry, registration, identity } = trial;
  const { model, calibration } = entry;
  const { access } = registration.method;
  const startedAt = new Date().toISOString();
  const preparedModel = await preparer.model(model);
  const calibrationPath = access === 'data-free' ? null : await preparer.calibration(model, calibration, identity.seed);
  const trainingPath = access === 'trained' ? await preparer.training(model, calibration, identity.seed) : null;

  const sandbox = sandboxFor(bench.sandbox ?? 'auto');
  for (let attempt = 1; ; attempt++) {
    const child = { label: 'trial', entry: TRIAL_CHILD, timeoutSeconds: limits.trialTimeoutSeconds };
    const compressed = await runInScratch(bench, child, (scratch): ScratchWork<Compressed | null> => {
      const specification: TrialSpecification = {
        methodFile: registration.file,
        params: identity.params,
        randomSeed: `${identity.method}/${identity.variant}/${identity.seed}`,
        model: preparedModel,
        calibrationPath,
        trainingPath,
        training: {
          provider: identity.trainedOn?.provider ?? 'cpu',
          environment: identity.trainedOn ? (bench.deviceEnvironment ?? {}) : {},
        },
        artifactPath: join(scratch, 'artifact.onnx'),
        reportPath: join(scratch, 'report.json'),
      };
      const tried = confineTrial({ sandbox, trial, specification, scratchBytes: limits.scratchBytes });
      return {
        specification,
        confinement: tried.confinement,
        onMessage(message, spent) {
          tried.hear(message, spent);
          onProgress?.({ kind: 'share', step: 'compress', share: shareOf(message) });
        },
        settle(ending) {
          const failure = describeEnding(ending, limits, limits.trialTimeoutSeconds);
          const { reported, begun, account, outcome } = tried.settle(ending, failure);
          const again = reported ? undefined : causeFromOutside(ending, begun);
          if (again !== undefined && attempt < MOST_ATTEMPTS) {
            onProgress?.({ kind: 'again', trial, reason: again });
            return null;
          }
          const wallSeconds = account.cost?.wallSeconds ?? ending.wallSeconds;
          return {
            startedAt,
            account,
            wallSeconds,
            ...(!reported && !begun && { beforeMethod: true }),
            outcome:
              outcome.status === 'completed' ? { ...outcome, value: workspace.keepArtifact(outcome.value) } : outcome,
          };
        },
      };
    });
    if (compressed) return compressed;
  }
}

function shareOf(message: unknown): number {
  const { share } = message as { readonly share?: unknown };
  return typeof share === 'number' && share >= 0 && share <= 1 ? share : 0;
}

/** Why the process ended if the method did not cause it, so the step is worth retrying; else undefined. */
function causeFromOutside(ending: ChildOutcome, begun: boolean): string | undefined {
  if (ending.ending === 'killed') return `its process was killed from outside (${ending.signalName})`;
  if (ending.ending === 'not-started') return `its sandbox could not be set up${lastWords(ending.errorOutput)}`;
  if (!begun && (ending.ending === 'exited' || ending.ending === 'crashed')) {
    return `its process ended before the method was loaded${lastWords(ending.errorOutput)}`;
  }
  return undefined;
}
