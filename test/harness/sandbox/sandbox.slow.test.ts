import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationRow, MeasurementRow, TrialRow } from '../../../contracts/result.ts';
import type { ExecuteRequest } from '../../../harness/trial/execute.ts';
import { sandboxSupport } from '../../../harness/sandbox/sandbox-support.ts';
import { executeRows, firstVariants } from '../../support/execute-rows.ts';
import { methodRegistration } from '../../support/tiny-suite.ts';

const HOSTILE = join(import.meta.dirname, '../../support/hostile');
const HARNESS = join(import.meta.dirname, '../../../harness');
const SECRET = 'a-secret-of-the-tester';
const MEBIBYTE = 2 ** 20;

interface Expectation {
  readonly status: TrialRow['status'];
  readonly reason: RegExp;
  /** Held by namespaces, and by nothing else. */
  readonly needsNamespaces?: boolean;
}

/** Every hostile method, the status its one row must have, and what its reason must say. */
const EXPECTED: Readonly<Record<string, Expectation>> = {
  'reads-store': {
    status: 'failed',
    reason: /"store":"(?!DONE).*"artifacts":"(?!DONE).*"storeByNativeCode":".*doesn't exist.*"home":"(?!DONE)/,
    needsNamespaces: true,
  },
  'reads-test-rows': {
    status: 'failed',
    reason: /"inputs":"(?!DONE).*"datasets":"ERR_MODULE_NOT_FOUND.*"itemsByNativeCode":".*doesn't exist/,
    needsNamespaces: true,
  },
  'writes-outside': {
    status: 'failed',
    reason: /"artifactByNativeCode":".*No such file.*"harnessByNativeCode":".*Read-only/,
    needsNamespaces: true,
  },
  'opens-socket': {
    status: 'failed',
    reason: /"port":"ENETUNREACH","path":"(ENOENT|ERR_ACCESS_DENIED)","name":"EAI_AGAIN"/,
    needsNamespaces: true,
  },
  keyring: { status: 'failed', reason: /refused: 1 1 1/ },
  'reads-environment': { status: 'failed', reason: /"own":"DONE false","parent":"E\w+","program":"ERR_ACCESS_DENIED"/ },
  forks: { status: 'failed', reason: /ran more than 128 processes at once|Cannot fork/, needsNamespaces: true },
  'leaves-daemon': { status: 'failed', reason: /wrote no output\/model.onnx/, needsNamespaces: true },
  'fills-disk': { status: 'failed', reason: /wrote more than 64 MiB into its folder/ },
  'fills-disk-unseen': { status: 'failed', reason: /wrote more than 64 MiB into its folder/ },
  'fills-one-file': { status: 'failed', reason: /EFBIG/ },
  litters: { status: 'failed', reason: /left more than 10000 files/ },
  tampers: { status: 'invalid', reason: /not at least 0\.1 % smaller than dense/ },
  'hidden-cpu': { status: 'failed', reason: /wrote no output\/model.onnx/ },
  'report-early': { status: 'failed', reason: /written early/ },
  'links-artifact': { status: 'invalid', reason: /not a regular file in its own folder/ },
  'external-data': { status: 'invalid', reason: /external data lies in "..\/..\/..\/..\/..\/..\/etc\/passwd"/ },
  expands: { status: 'out-of-memory', reason: /more than the limit of 768 MiB/ },
  'expands-beyond': { status: 'failed', reason: /Failed to allocate memory/ },
};
const SOUND = ['control/dense', 'pruning/magnitude'];
/** What is looked for among all processes of the machine. */
const LEFT_BEHIND = /^sleep\0(86397|86398)\0/;

const support = sandboxSupport();
const whole = support.isolation === 'all';
const skipped = (needed: boolean | undefined) =>
  needed && !whole ? ` (skipped: no namespaces here: ${support.reason})` : '';

let home = '';
let server: Server;
let pathServer: Server;

async function run(names: readonly string[], overrides: Partial<Pick<ExecuteRequest, 'limits' | 'sandbox'>> = {}) {
  const limits = {
    trialTimeoutSeconds: 60,
    judgeTimeoutSeconds: 60,
    memoryBytes: 768 * MEBIBYTE,
    scratchBytes: 64 * MEBIBYTE,
  };
  const plan = firstVariants(await Promise.all(names.map(methodRegistration)));
  const { trials, evaluations, measurements } = await executeRows(home, { plan, limits, ...overrides });
  return { trials, others: [...evaluations, ...measurements] };
}

function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        return [readFileSync(`/proc/${entry}/cmdline`, 'utf8')];
      } catch {
        return []; // ended meanwhile
      }
    });
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'shrinkrank-strangers-'));
  mkdirSync(join(home, 'inputs'));
  writeFileSync(join(home, 'store.sqlite'), 'not to be seen');
  writeFileSync(join(home, 'inputs/test-items.v8'), 'not to be seen');
  server = createServer().listen(0, '127.0.0.1');
  pathServer = createServer().listen(join(home, 'socket'));
  await Promise.all([once(server, 'listening'), once(pathServer, 'listening')]);
  process.env['HOSTILE_TEST_PORT'] = String((server.address() as { readonly port: number }).port);
  process.env['HOSTILE_TEST_SOCKET'] = join(home, 'socket');
  process.env['HF_TOKEN'] = SECRET;
});
afterAll(() => {
  delete process.env['HF_TOKEN'];
  server.close();
  pathServer.close();
  rmSync(home, { recursive: true, force: true });
});

describe('untrusted methods in the sandbox', () => {
  const contract = join(HARNESS, 'judge/contract-check.ts');
  const before = readFileSync(contract, 'utf8');
  const possible = Object.entries(EXPECTED).filter(([, { needsNamespaces }]) => skipped(needsNamespaces) === '');
  let trials: readonly TrialRow[] = [];
  let others: readonly (EvaluationRow | MeasurementRow)[] = [];
  let connections = 0;

  beforeAll(async () => {
    for (const each of [server, pathServer]) each.on('connection', () => connections++);
    // Sound methods first and last: what comes between must not keep the others from running.
    const paths = possible.map(([id]) => join(HOSTILE, `${id}.ts`));
    ({ trials, others } = await run([SOUND[0] ?? '', ...paths, SOUND[1] ?? '']));
  });

  for (const [id, { status, reason, needsNamespaces }] of Object.entries(EXPECTED)) {
    const note = skipped(needsNamespaces);
    it.skipIf(note !== '')(`gives ${id} exactly one row with the reason${note}`, () => {
      const rows = trials.filter(({ identity }) => identity.method === id);
      expect(rows.map((row) => row.status)).toEqual([status]);
      const found = (rows[0] as { readonly reason?: string } | undefined)?.reason ?? '';
      expect(found).toMatch(reason);
      expect(found.replace('DONE false', '')).not.toMatch(/DONE|a-secret/);
    });
  }

  it('still runs all other methods', () => {
    const keys = trials.filter(({ status }) => status === 'completed').map(({ key }) => key);
    expect(keys).toHaveLength(SOUND.length);
    const wanted = keys.flatMap((key) => [`evaluation ${key} completed`, `measurement ${key} completed`]);
    expect(others.map(({ kind, trial, status }) => `${kind} ${trial} ${status}`).sort()).toEqual(wanted.sort());
  });

  it.each([
    ['tampers', 'cpuSeconds', 4],
    ['hidden-cpu', 'cpuSeconds', 3],
    ['report-early', 'wallSeconds', 2],
  ] as const)('charges %s the cost measured from outside', (id, quantity, least) => {
    const row = trials.find(({ identity }) => identity.method === id);
    // Looks are 50 ms apart, and more on a busy machine.
    expect(row?.cost?.[quantity]).toBeGreaterThan(0.8 * least);
    expect(row?.cost?.deviceSeconds).toBeNull();
  });

  it('leaves the store, the artifacts, the harness and the machine unchanged', () => {
    expect(readFileSync(join(home, 'store.sqlite'), 'utf8')).toBe('not to be seen');
    expect(readFileSync(contract, 'utf8')).toBe(before);
    expect(
      ['planted.ts', 'native.onnx', 'measure/tampered.ts'].filter((name) => existsSync(join(HARNESS, name))),
    ).toEqual([]);
    // What sound methods made, and what was judged and found to expand or to lie elsewhere.
    const artifacts = readdirSync(join(home, 'artifacts')).filter((name) => !/^[0-9a-f]{64}\.onnx$/.test(name));
    expect(artifacts).toEqual([]);
    expect(readdirSync(join(home, 'scratch'))).toEqual([]);
    expect(readdirSync(join(home, 'compile-cache/trials')).filter((name) => name === 'planted')).toEqual([]);
    expect(connections).toBe(0);
    expect(commandLines().filter((line) => LEFT_BEHIND.test(line))).toEqual([]);
  });

  it(`notes missing protections in the rows, and nothing where all were present${whole ? '' : ' (not wholly here)'}`, () => {
    const remarks = trials.flatMap(({ notes }) => notes.filter((note) => note.startsWith('not isolated')));
    expect(remarks).toHaveLength(whole ? 0 : trials.length);
  });
});

it('stops an artifact whose graph never ends when it is judged', async () => {
  const limits = { trialTimeoutSeconds: 60, judgeTimeoutSeconds: 5, memoryBytes: 768 * MEBIBYTE };
  const { trials } = await run([join(HOSTILE, 'loops-when-run.ts')], { limits });
  expect(trials).toEqual([expect.objectContaining({ status: 'timeout', reason: 'not finished after 5 s; stopped' })]);
});

it('without a sandbox limits still apply, daemons are found, and every row notes the missing protections', async () => {
  const { trials } = await run(['control/dense', join(HOSTILE, 'leaves-daemon.ts'), join(HOSTILE, 'fills-disk.ts')], {
    sandbox: 'off',
  });
  expect(trials.map(({ status }) => status).sort()).toEqual(['completed', 'failed', 'failed']);
  for (const { notes } of trials) {
    expect(notes).toContain(
      'not isolated: network not cut off, files of the machine in sight, system calls not filtered',
    );
  }
  await expect.poll(() => commandLines().filter((line) => LEFT_BEHIND.test(line))).toEqual([]);
});
