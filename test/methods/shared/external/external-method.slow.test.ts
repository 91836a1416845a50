import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TrialRow } from '../../../../contracts/result.ts';
import type { MethodRegistration } from '../../../../harness/plan/plan.ts';
import type { SandboxPolicy } from '../../../../harness/sandbox/sandbox-support.ts';
import { executeRows, firstVariants } from '../../../support/execute-rows.ts';
import { methodRegistration } from '../../../support/tiny-suite.ts';

let folder = '';
const home = process.env['HOME'];
let trials: readonly TrialRow[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shrinkrank-external-'));
  process.env['HOME'] = folder;
  const outside = ['works', 'lingers'].map((id) => join(import.meta.dirname, `../../../support/external/${id}.ts`));
  const registrations = await Promise.all(['control/dense', ...outside].map(methodRegistration));
  const rows = async (chosen: readonly MethodRegistration[], sandbox: SandboxPolicy) =>
    executeRows(join(folder, 'workspace'), {
      plan: firstVariants(chosen),
      limits: { trialTimeoutSeconds: 10, judgeTimeoutSeconds: 120, memoryBytes: 2 ** 30 },
      sandbox,
    });
  const lingers = ({ method }: MethodRegistration) => method.id === 'lingers';
  const shutIn = await rows(
    registrations.filter((registration) => !lingers(registration)),
    'auto',
  );
  // Its word of what it started has to be heard here, which a sandbox would not let through.
  const open = await rows(registrations.filter(lingers), 'off');
  trials = [...shutIn.trials, ...open.trials];
});
afterAll(() => {
  if (home === undefined) delete process.env['HOME'];
  else process.env['HOME'] = home;
  rmSync(folder, { recursive: true, force: true });
});
const trialOf = (method: string) => trials.find(({ identity }) => identity.method === method);

it('a trial of an external method includes the cost of its command', () => {
  const [dense, works] = [trialOf('dense'), trialOf('works')];
  expect(works).toMatchObject({ status: 'completed' });
  expect(works?.cost?.cpuSeconds).toBeGreaterThan(0.45);
  expect(works?.cost?.peakMemoryBytes).toBeGreaterThan((dense?.cost?.peakMemoryBytes ?? Infinity) + 1.5e8);
});

it('a command that does not end is stopped in time with all its processes', async () => {
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
