/** Runs a method in a child process and keeps the artifact it makes. Records nothing: that is the caller's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, MOST_ATTEMPTS, describeEnding, runInScratch } from './bench.ts';
import type { ChildOutcome } from './child-process.ts';
import type { Outcome } from './outcome.ts';
import type { PlannedTrial } from './plan.ts';
import type { TrialReport, TrialSpecification } from './trial-child.ts';

export interface Compressed {
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Null when the process ended without one. */
  readonly report: TrialReport | null;
  readonly wallSeconds: number;
  /** Completed: the SHA-256 under which the workspace holds the artifact. */
  readonly outcome: Outcome<string>;
}

const TRIAL_CHILD = join(import.meta.dirname, 'trial-child.ts');

export async function compressTrial(bench: Bench, trial: PlannedTrial): Promise<Compressed> {
  const { workspace, preparer, limits, onProgress } = bench;
  const { entry, unit, identity } = trial;
  const { model, calibration } = entry;
  const { access } = unit.method;
  const startedAt = new Date().toISOString();
  const preparedModel = await preparer.model(model);
  const calibrationPath = access === 'data-free' ? null : await preparer.calibration(model, calibration, identity.seed);
  const trainingPath = access === 'trained' ? await preparer.training(model, calibration, identity.seed) : null;

  for (let attempt = 1; ; attempt++) {
    const compressed = await runInScratch(
      bench,
      {
        label: 'trial',
        entry: TRIAL_CHILD,
        specify: (scratch): TrialSpecification => ({
          methodFile: unit.file,
          params: identity.params,
          randomSeed: `${identity.method}/${identity.variant}/${identity.seed}`,
          model: preparedModel,
          calibrationPath,
          trainingPath,
          artifactPath: join(scratch, 'artifact.onnx'),
          reportPath: join(scratch, 'report.json'),
        }),
        timeoutSeconds: limits.trialTimeoutSeconds,
        onMessage: (message) => onProgress?.({ kind: 'share', activity: 'compressing', share: shareOf(message) }),
      },
      (ending, specification): Compressed | null => {
        const report = withPeak(readReport(specification.reportPath), ending);
        if (ending.ending === 'killed' && !report && attempt < MOST_ATTEMPTS) {
          const reason = `its process was killed from outside (${ending.signalName})`;
          onProgress?.({ kind: 'again', trial, reason });
          return null;
        }
        const outcome: Outcome<string> =
          report?.outcome.status === 'completed'
            ? { status: 'completed', value: workspace.keepArtifact(readFileSync(specification.artifactPath)) }
            : (report?.outcome ?? describeEnding(ending, limits, limits.trialTimeoutSeconds));
        const wallSeconds = report?.cost.wallSeconds ?? ending.wallSeconds;
        return { startedAt, report: report ?? null, wallSeconds, outcome };
      },
    );
    if (compressed) return compressed;
  }
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
