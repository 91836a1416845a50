import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../../drizzle/client.ts';
import { exportRows } from '../../../drizzle/export.ts';
import type { Row } from '../../../contracts/result.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { deterministicValues } from '../../support/deterministic-values.ts';
import { readProcessStat } from '../../../harness/process/process-stat.ts';

const SCRIPT = join(import.meta.dirname, '../../support/run-tiny-suite.ts');
/** Set SHRINKRANK_KILLS to a larger number after a change of what this test covers. */
const KILLS = Number(process.env['SHRINKRANK_KILLS'] ?? 12);
/** Largest delay between the moment aimed at and the kill; judging and starting take longest. */
const LATEST_MS = { committing: 0, compressing: 250, judging: 1000, 'any time': 2500 } as const;
type Aim = keyof typeof LATEST_MS;
const AIMS = Object.keys(LATEST_MS) as Aim[];
const LOOK_INTERVAL_MS = 15;
/** A step whose process is killed three times is left undone, which is not what this test asks. */
const MOST_CHILDREN_IN_A_ROW = 2;

/** Which process was killed, and what it was doing. */
const MOMENTS = [
  'parent, committing',
  'parent, nothing running',
  'parent, child compressing',
  'parent, child judging',
  'child compressing',
  'child judging',
] as const;
type Moment = (typeof MOMENTS)[number];

describe('a run whose processes are killed at random moments', () => {
  const random = createRandom('kill');
  const killed = Object.fromEntries(MOMENTS.map((moment) => [moment, 0])) as Record<Moment, number>;
  const kills = () => Object.values(killed).reduce((sum, count) => sum + count);
  let childrenInARow = 0;
  let folder = '';
  let undisturbed: Row[] = [];
  const disturbed: Row[][] = [];
  let orphans: number[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'shrinkrank-kill-'));
    const quiet = join(folder, 'undisturbed');
    expect(await start(quiet).exit).toBe(0);
    undisturbed = rowsIn(quiet);
    for (let round = 0; kills() < KILLS; round++) {
      const home = join(folder, `round-${round}`);
      await runWithKills(home);
      disturbed.push(rowsIn(home));
    }
    await after(500);
    orphans = processesOf(folder);
    console.log(`killed: ${JSON.stringify(killed)} in ${disturbed.length} runs`);
  }, 900_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The same command again and again, killed somewhere each time, until it has come to its end. */
  async function runWithKills(home: string): Promise<void> {
    mkdirSync(home);
    for (;;) {
      const run = start(home);
      while (kills() < KILLS) {
        const aim = AIMS[random.integer(AIMS.length)] ?? 'any time';
        const reached = comesTo(aim, { home, parent: run.process }).then(() => 'reached' as const);
        if ((await Promise.race([run.exit, reached])) !== 'reached') break;
        strike(run.process, aim === 'committing');
      }
      const exitCode = await run.exit;
      if (exitCode === 0) return;
      if (exitCode !== null) throw new Error(`the run in ${home} ended with exit code ${exitCode}`);
    }
  }

  /** Resolves when the run does what is aimed at, or a random while later; never when it ends before. */
  async function comesTo(aim: Aim, run: { readonly home: string; readonly parent: ChildProcess }): Promise<void> {
    if (aim === 'committing') return nextCommit(run.home);
    if (aim !== 'any time') await doing(aim, run.parent);
    await after(random.integer(LATEST_MS[aim]));
  }

  /** Kills the parent, or by chance one of its children. */
  function strike(parent: ChildProcess, committing: boolean): void {
    const children = committing ? [] : childrenOf(parent.pid ?? 0);
    const chosen = childrenInARow < MOST_CHILDREN_IN_A_ROW ? children[random.integer(children.length + 1)] : undefined;
    if (chosen) {
      if (!kill(chosen.pid)) return;
      killed[`child ${stepOf(chosen.command)}`]++;
      childrenInARow++;
      return;
    }
    if (!parent.kill('SIGKILL')) return;
    const [running] = children;
    if (committing) killed['parent, committing']++;
    else if (running) killed[`parent, child ${stepOf(running.command)}`]++;
    else killed['parent, nothing running']++;
    childrenInARow = 0;
  }

  it('kills parents and children as often as configured', () => {
    // Which moment a kill falls into depends on the machine's load; that both kinds of process are killed often does not.
    const children = killed['child compressing'] + killed['child judging'];
    expect(kills()).toBe(KILLS);
    expect(killed['parent, committing']).toBeGreaterThan(0);
    expect(children).toBeGreaterThan(2);
    expect(KILLS - children).toBeGreaterThan(2);
  });

  it('ends with the same keys as an undisturbed run, none twice, none lost', () => {
    const expected = keysOf(undisturbed);
    expect(new Set(expected).size).toBe(expected.length);
    expect(expected.length).toBe(3 * 5);
    for (const rows of disturbed) expect(keysOf(rows)).toEqual(expected);
  });

  it('ends with the same deterministic values', () => {
    const expected = deterministicValues(undisturbed);
    for (const rows of disturbed) expect(deterministicValues(rows)).toEqual(expected);
  });

  it('leaves no process behind', () => {
    expect(orphans).toEqual([]);
  });
});

function start(home: string): { readonly process: ChildProcess; readonly exit: Promise<number | null> } {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SCRIPT, home, '1'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  return { process: child, exit };
}

function rowsIn(home: string): Row[] {
  const store = openStore(join(home, 'store.sqlite'), { create: false });
  try {
    return [...exportRows(store)];
  } finally {
    store.close();
  }
}

function keysOf(rows: readonly Row[]): string[] {
  return rows.flatMap((row) => (row.kind === 'run' ? [] : [`${row.kind} ${row.key} ${row.status}`])).sort();
}

/** Resolves in the middle of the next commit, at a write to the store's log before it is forced to disk. */
function nextCommit(home: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(home, (_, name) => {
      if (name !== 'store.sqlite-wal') return;
      watcher.close();
      resolve();
    });
  });
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false; // ended on its own meanwhile
  }
}

/** Resolves when a child of the run does this; never when the run ends before. */
async function doing(step: 'compressing' | 'judging', parent: ChildProcess): Promise<void> {
  while (!childrenOf(parent.pid ?? 0).some(({ command }) => stepOf(command) === step)) {
    if (parent.exitCode !== null || parent.signalCode !== null) return new Promise(() => {});
    await after(LOOK_INTERVAL_MS);
  }
}

function stepOf(command: string): 'compressing' | 'judging' {
  return command.includes('judge-child') ? 'judging' : 'compressing';
}

function childrenOf(parent: number): { readonly pid: number; readonly command: string }[] {
  return processes().filter(({ parentPid }) => parentPid === parent);
}

/** Processes that work in a folder below `root`. */
function processesOf(root: string): number[] {
  return processes()
    .filter(({ command }) => command.includes(root))
    .map(({ pid }) => pid);
}

function processes(): { readonly pid: number; readonly parentPid: number; readonly command: string }[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const stat = readProcessStat(Number(entry));
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
      return !stat || stat.state === 'Z' ? [] : [{ pid: Number(entry), parentPid: stat.parent, command }];
    } catch {
      return [];
    }
  });
}
