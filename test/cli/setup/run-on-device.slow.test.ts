import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { openStore } from '../../../drizzle/client.ts';
import { exportRows, lineOf } from '../../../drizzle/export.ts';
import { importRows } from '../../../drizzle/import.ts';
import { leaderboard } from '../../../board/derive/leaderboard.ts';
import { runSuite } from '../../../cli/setup/run-suite.ts';
import { runnerHere } from '../../../cli/setup/runner-here.ts';
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { MeasurementRow } from '../../../contracts/result.ts';
import type { Provider } from '../../../contracts/runner.ts';
import { planTrials } from '../../../harness/plan/plan.ts';
import { readMachine } from '../../../harness/measure/machine.ts';
import { executeRows } from '../../support/execute-rows.ts';
import { findSoftwareDevice } from '../../support/find-software-device.ts';
import { tinyLlama } from '../../support/tiny-model.ts';
import { methodRegistration, tinyEntry, tinyLimits, tinyModel } from '../../support/tiny-suite.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';

const found = findSoftwareDevice();
const skipped = 'missing' in found ? found.missing : '';
const home = mkdtempSync(join(tmpdir(), 'on-device-'));
afterAll(() => rmSync(home, { recursive: true }));
afterEach(() => void vi.unstubAllEnvs());

function inEnvironment(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
}

/** What SwiftShader gets through in seconds. */
const model = {
  ...tinyModel,
  build: () => Promise.resolve(tinyLlama({ layers: 1, width: 16, hiddenWidth: 16, heads: 2, contextLength: 8 })),
};

const REQUEST = {
  suite: 'tiny',
  limits: { ...tinyLimits, trialTimeoutSeconds: 300, judgeTimeoutSeconds: 300 },
  retryFailed: false,
  signal: new AbortController().signal,
  onProgress: () => {},
};

async function run(provider: Provider) {
  const registrations = await Promise.all(['control/dense', 'quantization/int8-dynamic'].map(methodRegistration));
  const variants = registrations.map((registration) => ({
    registration,
    variant: Object.keys(registration.method.variants)[0] as string,
  }));
  return runSuite({ ...REQUEST, entries: [{ ...tinyEntry(variants), model }], home, provider });
}

describe.skipIf(skipped)(`run --runner webgpu over SwiftShader ${skipped}`, () => {
  if ('missing' in found) return;

  it('explains why the runner is not available', async () => {
    inEnvironment({ ...found.environment, VK_DRIVER_FILES: join(home, 'none.json') });
    await expect(run('webgpu')).rejects.toThrow(UnsupportedError);
    await expect(run('webgpu')).rejects.toThrow(/runner webgpu: .*no driver/);
  });

  it('adds rows of the device to those of the CPU', async () => {
    inEnvironment(found.environment);
    expect((await run('cpu')).recorded).toBe(6);
    const { recorded, undone, runner } = await run('webgpu');
    expect(undone).toEqual([]);
    // Trials and evaluations are the CPU's already.
    expect(recorded).toBe(2);

    const store = openStore(join(home, 'store.sqlite'));
    try {
      const rows = [...exportRows(store)];
      const measured = rows.filter((row): row is MeasurementRow => row.kind === 'measurement');
      const [dense, int8] = measured.filter((row) => row.runner.provider === 'webgpu');
      expect(dense?.runner).toMatchObject({ fingerprint: runner, device: { name: 'SwiftShader', kind: 'software' } });
      if (dense?.status !== 'completed') throw new Error(`dense: ${dense?.status}: ${dense?.reason}`);
      expect(dense.latency.map(({ shape }) => shape)).toEqual(['1x1', '8x8']);
      expect(dense.placement.nodes['WebGpuExecutionProvider']).toBeGreaterThan(20);
      expect(dense.placement.timeShare['WebGpuExecutionProvider']).toBeGreaterThan(0.5);
      expect(dense.onDevice).toMatchObject({
        outputsKept: true,
        memoryBytes: null,
        joulesPerCall: null,
        findings: [expect.stringMatching(/SwiftShader, which is emulated/)],
        quality: [{ task: 'tiny-text-perplexity', items: 12, changedDecisions: 0, withinTolerance: true }],
      });
      expect(Object.keys(dense.onDevice?.copyMs ?? {})).toEqual(['1x1', '8x8']);
      expect(dense.onDevice?.quality[0]?.meanDifference).toBeLessThan(1e-5);
      expect(int8).toMatchObject({ status: 'unsupported', reason: expect.stringContaining('MatMulInteger') });

      const place = { model: model.id, task: 'tiny-text-perplexity', protocol: PROTOCOL.version };
      const board = leaderboard(store, place);
      expect(board.runners.map(({ provider }) => provider)).toEqual(['cpu', 'webgpu']);
      // On one thread and on all cores.
      expect(board.entries.every(({ latency }) => latency.length === 4)).toBe(true);
      expect(leaderboard(store, { ...place, runner }).entries.every(({ latency }) => latency.length === 0)).toBe(true);

      const copy = openStore(join(home, 'copy.sqlite'));
      const lines = rows.map(lineOf);
      expect(importRows(copy, lines, { where: 'rows' })).toEqual({ recorded: rows.length, present: 0 });
      expect([...exportRows(copy)].map(lineOf)).toEqual(lines);
      copy.close();
    } finally {
      store.close();
    }
  });

  it('trains on the device, as separate trials, with the same results as on the CPU', async () => {
    inEnvironment(found.environment);
    const { method, file } = await methodRegistration('distillation/logit-kd');
    const few = { method: { ...method, variants: { few: { depth: 0.5, tokens: 192, batch: 2 } } }, file };
    const small = { layers: 2, width: 16, hiddenWidth: 16, heads: 2, contextLength: 32 };
    const entry = {
      ...tinyEntry([
        { registration: await methodRegistration('control/dense'), variant: 'fp32' },
        { registration: few, variant: 'few' },
      ]),
      model: { ...model, build: () => Promise.resolve(tinyLlama(small)) },
    };
    const { runner, environment } = await runnerHere('webgpu', readMachine());
    const onCpu = planTrials([entry], runner);
    const plan = [...onCpu, ...planTrials([entry], runner, { trainOnDevice: true }).slice(1)];
    // Timing is the test's above.
    const measurements = new Set(plan.map(({ measurement }) => measurement.key));
    const { trials, evaluations, summary } = await executeRows(join(home, 'trained'), {
      plan,
      limits: REQUEST.limits,
      done: { trials: new Map(), evaluations: new Set(), measurements },
      deviceEnvironment: environment,
    });
    expect(summary.undone).toEqual([]);
    const [, cpu, device] = trials;
    expect(device).toMatchObject({
      status: 'completed',
      identity: { method: 'logit-kd', trainedOn: { provider: 'webgpu', device: 'SwiftShader' } },
      cost: { gradientSteps: 3, deviceSeconds: expect.any(Number) },
    });
    expect(device?.notes).toContain('trained on SwiftShader (webgpu)');
    expect(device?.cost?.deviceSeconds).toBeGreaterThan(0);
    expect(cpu?.cost?.deviceSeconds).toBeNull();
    const nats = evaluations.map((row) => (row.status === 'completed' ? Math.log(row.quality.estimate.value) : NaN));
    const [dense = NaN, trainedHere = NaN, trainedThere = NaN] = nats;
    expect(Math.abs(trainedThere - trainedHere)).toBeLessThan(1e-4);
    // Three steps went somewhere.
    expect(Math.abs(trainedThere - dense)).toBeGreaterThan(1e-3);
  });
});
