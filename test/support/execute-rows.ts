/** Executes plans on this machine as a run does, and keeps the rows instead of storing them. */
import type { EvaluationRow, MeasurementRow, TrialRow } from '../../contracts/result.ts';
import type { ExecutionSummary } from '../../harness/trial/coordinate-trials.ts';
import { type ExecuteRequest, execute } from '../../harness/trial/execute.ts';
import { type MethodRegistration, type PlannedTrial, planTrials } from '../../harness/plan/plan.ts';
import { createPreparer } from '../../harness/plan/prepare.ts';
import { openWorkspace } from '../../harness/plan/workspace.ts';
import { readMachine, runnerOf } from '../../harness/measure/machine.ts';
import { tinyEntry } from './tiny-suite.ts';

export interface ExecutedRows {
  readonly trials: readonly TrialRow[];
  readonly evaluations: readonly EvaluationRow[];
  readonly measurements: readonly MeasurementRow[];
  readonly summary: ExecutionSummary;
}

/** Nothing is done yet, unless `request` says so. */
export async function executeRows(
  home: string,
  request: Pick<ExecuteRequest, 'plan' | 'limits'> &
    Partial<Pick<ExecuteRequest, 'done' | 'sandbox' | 'signal' | 'onProgress' | 'deviceEnvironment'>>,
): Promise<ExecutedRows> {
  const trials: TrialRow[] = [];
  const evaluations: EvaluationRow[] = [];
  const measurements: MeasurementRow[] = [];
  const refuse = () => Promise.reject(new Error('no hub in this test'));
  const workspace = openWorkspace(home);
  try {
    const summary = await execute({
      run: 'test',
      machine: readMachine(),
      workspace,
      preparer: createPreparer(workspace, { file: refuse, locate: refuse }),
      done: { trials: new Map(), evaluations: new Set(), measurements: new Set() },
      recorder: {
        trial: (row) => void trials.push(row),
        evaluation: (row) => void evaluations.push(row),
        measurement: (row) => void measurements.push(row),
      },
      ...request,
    });
    return { trials, evaluations, measurements, summary };
  } finally {
    workspace.release();
  }
}

/** The first variant of each on the tiny model. */
export function firstVariants(registrations: readonly MethodRegistration[]): readonly PlannedTrial[] {
  const variants = registrations.map((registration) => ({
    registration,
    variant: Object.keys(registration.method.variants)[0] ?? '',
  }));
  return planTrials([tinyEntry(variants)], runnerOf('cpu', readMachine()));
}
