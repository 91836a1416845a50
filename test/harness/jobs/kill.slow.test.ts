import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../../drizzle/client.ts';
import { exportRows } from '../../../drizzle/export.ts';
import type { Row } from '../../../harness/contracts/result.ts';
import { createRandom } from '../../../harness/tensor/random.ts';

const SCRIPT = join(import.meta.dirname, '../../support/run-tiny-suite.ts');
const KILLS = 30;
/** A run takes some twenty seconds, so that several kills fall into each. */
const LATEST_KILL_MS = 2500;

describe('a run whose processes are killed at random moments', () => {
  const random = createRandom('kill');
  const killed = { parent: 0, child: 0 };
  let folder = '';
  let undisturbed: Row[] = [];
  const disturbed: Row[][] = [];
  let orphans: number[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'shrinkrank-kill-'));
    const quiet = join(folder, 'undisturbed');
    expect(await start(quiet).exit).toBe(0);
    undisturbed = rowsIn(quiet);
    for (let round = 0; killed.parent + killed.child < KILLS; round++) {
      const home = join(folder, `round-${round}`);
      await runWithKills(home);
      disturbed.push(rowsIn(home));
    }
    await after(500);
    orphans = processesOf(folder);
  }, 900_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The same command again and again, killed somewhere each time, until it has come to its end. */
  async function runWithKills(home: string): Promise<void> {
    for (;;) {
      const run = start(home);
      while (killed.parent + killed.child < KILLS) {
        const ended = await Promise.race([
          run.exit,
          after(100 + random.integer(LATEST_KILL_MS)).then(() => 'time' as const),
        ]);
        if (ended !== 'time') break;
        const children = childrenOf(run.process.pid ?? 0);
        const child = children[random.integer(children.length + 1)];
        if (child === undefined) {
          killed.parent++;
          run.process.kill('SIGKILL');
        } else if (kill(child)) killed.child++;
      }
      if ((await run.exit) === 0) return;
    }
  }

  it('is killed as often as promised, parents and children both', () => {
    expect(killed.parent + killed.child).toBe(KILLS);
    expect(Math.min(killed.parent, killed.child)).toBeGreaterThan(5);
  });

  it('ends with the same keys as an undisturbed run, nothing twice, nothing lost', () => {
    const expected = keysOf(undisturbed);
    expect(new Set(expected).size).toBe(expected.length);
    expect(expected.length).toBe(3 * 13);
    for (const rows of disturbed) expect(keysOf(rows)).toEqual(expected);
  });

  it('ends with the same deterministic values', () => {
    const expected = valuesOf(undisturbed);
    for (const rows of disturbed) expect(valuesOf(rows)).toEqual(expected);
  });

  it('leaves no process behind', () => {
    expect(orphans).toEqual([]);
  });
});

function start(home: string): { readonly process: ChildProcess; readonly exit: Promise<number | null> } {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SCRIPT, home], {
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

/** What must not depend on when or how often a run was interrupted: artifacts, sizes, outcomes per item. */
function valuesOf(rows: readonly Row[]): Record<string, unknown> {
  return Object.fromEntries(
    rows
      .flatMap((row) => {
        if (row.kind === 'trial' && row.status === 'completed') return [[row.key, row.artifact] as const];
        if (row.kind === 'evaluation' && row.status === 'completed')
          return [[row.key, [row.artifact, row.outcomes, row.quality]] as const];
        if (row.kind === 'measurement') return [[row.key, row.artifact] as const];
        return [];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false; // ended on its own meanwhile
  }
}

function childrenOf(parent: number): number[] {
  return processes()
    .filter(({ parentPid }) => parentPid === parent)
    .map(({ pid }) => pid);
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
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
      return fields[0] === 'Z' ? [] : [{ pid: Number(entry), parentPid: Number(fields[1]), command }];
    } catch {
      return [];
    }
  });
}
