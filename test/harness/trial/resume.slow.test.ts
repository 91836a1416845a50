import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROTOCOL } from '../../../contracts/protocol.ts';
import type { ProgressEvent } from '../../../harness/plan/bench.ts';
import type { Done } from '../../../harness/trial/trial-progress.ts';
import { type MethodRegistration, type PlannedTrial, planTrials } from '../../../harness/plan/plan.ts';
import { readMachine, runnerOf } from '../../../harness/measure/machine.ts';
import { type ExecutedRows, executeRows } from '../../support/execute-rows.ts';
import { type Observation, observationIn } from '../../support/observing/observe.ts';
import { methodRegistration, tinyDataset, tinyEntry, tinyLimits } from '../../support/tiny-suite.ts';

const machine = readMachine();
const NOTHING: Done = { trials: new Map(), evaluations: new Set(), measurements: new Set() };

interface Session extends ExecutedRows {
  readonly events: readonly ProgressEvent[];
}

/** Works through the plan in this folder, given what is done, and gives what was recorded. */
async function work(
  home: string,
  plan: readonly PlannedTrial[],
  done: Done,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Session> {
  const events: ProgressEvent[] = [];
  const rows = await executeRows(home, {
    plan,
    done,
    limits: tinyLimits,
    ...(signal && { signal }),
    onProgress: (event) => void events.push(event),
  });
  return { ...rows, events };
}

function doneAfter({ trials, evaluations, measurements }: Session): Done {
  return {
    trials: new Map(
      trials.map((row) => [
        row.key,
        { status: row.status, artifact: row.status === 'completed' ? row.artifact.sha256 : null },
      ]),
    ),
    evaluations: new Set(evaluations.map(({ key }) => key)),
    measurements: new Set(measurements.map(({ key }) => key)),
  };
}

function planOf(registration: MethodRegistration, variant: string): PlannedTrial[] {
  return planTrials([tinyEntry([{ registration, variant }])], runnerOf('cpu', machine));
}

describe('execute, run again', () => {
  let home = '';
  let plan: PlannedTrial[] = [];
  let first: Session;
  let done: Done;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'shrinkrank-resume-'));
    plan = planOf(await methodRegistration('quantization/rtn'), 'w8');
    first = await work(home, plan, NOTHING);
    done = doneAfter(first);
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('records one trial, its evaluation and its measurement, of the same artifact', () => {
    const [trial] = first.trials;
    expect([first.trials, first.evaluations, first.measurements].map(({ length }) => length)).toEqual([1, 1, 1]);
    expect(trial?.status).toBe('completed');
    const artifact = trial?.status === 'completed' ? trial.artifact.sha256 : '';
    expect(first.evaluations[0]).toMatchObject({ trial: trial?.key, artifact, status: 'completed' });
    expect(first.measurements[0]).toMatchObject({ trial: trial?.key, artifact, status: 'completed' });
    expect(first.summary).toMatchObject({ recorded: 3, undone: [] });
    expect(first.events.filter(({ kind }) => kind === 'finished')).toMatchObject([{ status: 'completed' }]);
  });

  it('does nothing when everything is done', async () => {
    const again = await work(home, plan, done);
    expect(again.summary).toMatchObject({ recorded: 0, undone: [] });
    expect(again.events).toEqual([]);
  });

  it('makes only the evaluation when only that is missing, and the same one', async () => {
    const again = await work(home, plan, { ...done, evaluations: new Set() });
    expect([again.trials, again.evaluations, again.measurements].map(({ length }) => length)).toEqual([0, 1, 0]);
    expect(again.summary.seconds.compress).toBe(0);
    const [before, after] = [first, again].map(({ evaluations: [row] }) =>
      row?.status === 'completed' ? [row.key, row.artifact, row.outcomes, row.quality, row.distance] : row?.status,
    );
    expect(after).toEqual(before);
  });

  it('makes only the measurement when only that is missing', async () => {
    const again = await work(home, plan, { ...done, measurements: new Set() });
    expect([again.trials, again.evaluations, again.measurements].map(({ length }) => length)).toEqual([0, 0, 1]);
    expect(again.summary.seconds.compress).toBe(0);
  });

  it('makes the artifact again when it is missing, and does not record the trial twice', async () => {
    const artifact = done.trials.get(plan[0]?.key ?? '')?.artifact ?? '';
    const path = join(home, 'artifacts', `${artifact}.onnx`);
    const bytes = readFileSync(path);
    rmSync(path);
    const again = await work(home, plan, { ...done, evaluations: new Set() });
    expect([again.trials, again.evaluations, again.measurements].map(({ length }) => length)).toEqual([0, 1, 0]);
    expect(again.summary.seconds.compress).toBeGreaterThan(0);
    expect(readFileSync(path)).toEqual(bytes);
  });

  it('does not continue, and gives the reason, when the new artifact differs from the missing one', async () => {
    const stored = { status: 'completed' as const, artifact: 'f'.repeat(64) };
    const lost: Done = { ...NOTHING, trials: new Map([[plan[0]?.key ?? '', stored]]) };
    const again = await work(home, plan, lost);
    expect(again.summary.recorded).toBe(0);
    expect(again.summary.undone.map(({ key }) => key).sort()).toEqual(
      [...first.evaluations, ...first.measurements].map(({ key }) => key).sort(),
    );
    expect(again.summary.undone[0]).toMatchObject({ name: 'rtn/w8 on tiny-llama' });
    expect(again.summary.undone[0]?.reason).toMatch(/ffff is missing, and making it again gave [0-9a-f]{64}/);
  });

  it('stops when aborted', async () => {
    const abort = new AbortController();
    const waiting = planOf(
      await methodRegistration(join(import.meta.dirname, '../../support/hostile/waits.ts')),
      'only',
    );
    const stopped = work(home, waiting, NOTHING, { signal: abort.signal });
    setTimeout(() => abort.abort(), 500);
    await expect(stopped).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });

  it('does not repeat a failed trial unless asked to', async () => {
    const throws = planOf(
      await methodRegistration(join(import.meta.dirname, '../../support/hostile/throws.ts')),
      'only',
    );
    const failed = await work(home, throws, NOTHING);
    expect(failed.trials.map(({ status }) => status)).toEqual(['failed']);
    expect((await work(home, throws, doneAfter(failed))).events).toEqual([]);
    expect((await work(home, throws, NOTHING)).trials.map(({ status }) => status)).toEqual(['failed']);
  });
});

describe('the data a method receives', () => {
  const observations = new Map<string, Observation>();
  let home = '';

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'shrinkrank-handed-'));
    const accesses = ['data-free', 'calibrated', 'gradient', 'trained'];
    const registrations = await Promise.all(
      accesses.map((access) => methodRegistration(join(import.meta.dirname, `../../support/observing/${access}.ts`))),
    );
    const entry = tinyEntry(registrations.map((registration) => ({ registration, variant: 'only' })));
    const { trials } = await work(home, planTrials([entry], runnerOf('cpu', machine)), NOTHING);
    for (const row of trials) {
      expect(row.status).toBe('completed');
      observations.set(row.identity.method, observationIn(row.notes));
    }
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it.each([
    ['data-free', false, false],
    ['calibrated', true, false],
    ['gradient', true, false],
    ['trained', true, true],
  ] as const)('%s: calibration data %s, training data %s', (access, calibration, training) => {
    const seen = observations.get(access);
    expect(seen?.calibrationTokens).toBe(calibration ? PROTOCOL.calibration.tokenBudget : null);
    expect(seen?.trainingTokens === null).toBe(!training);
    expect(typeof seen?.specification['calibrationPath']).toBe(calibration ? 'string' : 'object');
    expect(typeof seen?.specification['trainingPath']).toBe(training ? 'string' : 'object');
  });

  it.each(['data-free', 'calibrated', 'gradient', 'trained'])('%s: nothing of the test split', (access) => {
    const text = JSON.stringify(observations.get(access)?.specification);
    expect(text).toContain('methodFile');
    expect(text).not.toContain('test-');
    for (const { id } of tinyDataset.tasks) expect(text).not.toContain(id);
  });
});
