import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TrialRow } from '../../../harness/contracts/result.ts';
import { type ExecuteRequest, execute } from '../../../harness/jobs/execute.ts';
import { type MethodUnit, planTrials } from '../../../harness/jobs/plan.ts';
import { createPreparer } from '../../../harness/jobs/prepare.ts';
import { openWorkspace } from '../../../harness/jobs/workspace.ts';
import { readMachine, runnerOf } from '../../../harness/measure/machine.ts';
import { methodUnit, tinyEntry } from '../../support/tiny-suite.ts';

let folder = '';
const home = process.env['HOME'];
const trials: TrialRow[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shrinkrank-external-'));
  process.env['HOME'] = folder;
  const outside = ['works', 'lingers'].map((id) => join(import.meta.dirname, `../../support/external/${id}.ts`));
  const units = await Promise.all(['control/dense', ...outside].map(methodUnit));
  const machine = readMachine();
  const workspace = openWorkspace(join(folder, 'workspace'));
  const planOf = (chosen: readonly MethodUnit[]) =>
    planTrials(
      [tinyEntry(chosen.map((unit) => ({ unit, variant: Object.keys(unit.method.variants)[0] ?? '' })))],
      runnerOf('cpu', machine),
    );
  const request: ExecuteRequest = {
    plan: planOf(units.filter(({ method }) => method.id !== 'lingers')),
    run: 'external',
    machine,
    workspace,
    preparer: createPreparer(workspace, { file: () => Promise.reject(new Error('no hub in this test')) }),
    done: { trials: new Map(), evaluations: new Set(), measurements: new Set() },
    recorder: { trial: (row) => void trials.push(row), evaluation: () => {}, measurement: () => {} },
    limits: { trialTimeoutSeconds: 10, judgeTimeoutSeconds: 120, memoryBytes: 2 ** 30 },
  };
  await execute(request);
  // Its word of what it started has to be heard here, which a sandbox would not let through.
  await execute({ ...request, plan: planOf(units.filter(({ method }) => method.id === 'lingers')), sandbox: 'off' });
  workspace.release();
});
afterAll(() => {
  if (home === undefined) delete process.env['HOME'];
  else process.env['HOME'] = home;
  rmSync(folder, { recursive: true, force: true });
});
const trialOf = (method: string) => trials.find(({ identity }) => identity.method === method);

it('a trial of a method outside is charged what its command took', () => {
  const [dense, works] = [trialOf('dense'), trialOf('works')];
  expect(works).toMatchObject({ status: 'completed' });
  expect(works?.cost?.cpuSeconds).toBeGreaterThan(0.45);
  expect(works?.cost?.peakMemoryBytes).toBeGreaterThan((dense?.cost?.peakMemoryBytes ?? Infinity) + 1.5e8);
});

it('a command that does not end is stopped in time with all it started, and nothing of it is left', async () => {
  expect(trialOf('lingers')).toMatchObject({ status: 'timeout', reason: expect.stringMatching(/10 s/) as string });
  const pids = readFileSync(join(folder, 'pids'), 'utf8').split(' ');
  const state = (pid: string) => {
    try {
      return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    } catch {
      return 'gone';
    }
  };
  // A zombie that nobody has waited for yet is dead.
  await expect.poll(() => pids.every((pid) => ['gone', 'Z'].includes(state(pid) ?? ''))).toBe(true);
  const left = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  expect(left.filter((path) => path.includes('shrinkrank-lingers'))).toEqual([]);
});
