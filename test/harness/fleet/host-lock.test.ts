import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Company, openHostLock } from '../../../harness/fleet/host-lock.ts';
import { temporaryFolder } from '../../support/store.ts';

const SCRIPT = join(import.meta.dirname, '../../support/hold-host.ts');
/** Three looks of a lock that waits. */
const LOOKS_MS = 150;

/** A process that holds the host in this company and ends when its standard input does. */
async function holder(folder: string, company: Company): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SCRIPT, folder, company], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
}

/** Whether its turn comes only when the other one is through. */
async function waits(folder: string, company: Company, during: ChildProcess): Promise<boolean> {
  const order: string[] = [];
  const turn = openHostLock(folder).hold(company, async () => void order.push('turn'));
  await Promise.race([turn, after(LOOKS_MS)]);
  order.push('released');
  during.stdin?.end();
  await turn;
  return order[0] === 'released';
}

describe('openHostLock', () => {
  it('follows no link that another user put in place of its folder', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'private'), { mode: 0o700 });
    symlinkSync('private', join(folder, 'lock'));
    expect(() => openHostLock(join(folder, 'lock'))).toThrow(/is a link or cannot be read; remove it/);
    expect(statSync(join(folder, 'private')).mode & 0o7777).toBe(0o700);
  });

  it('lets shared holders work together', async () => {
    const folder = temporaryFolder();
    expect(await waits(folder, 'side by side', await holder(folder, 'side by side'))).toBe(false);
  });

  it('makes an exclusive holder wait for the others, and the others for it', async () => {
    const folder = temporaryFolder();
    expect(await waits(folder, 'alone', await holder(folder, 'side by side'))).toBe(true);
    expect(await waits(folder, 'side by side', await holder(folder, 'alone'))).toBe(true);
    expect(await waits(folder, 'alone', await holder(folder, 'alone'))).toBe(true);
  });

  it('ignores dead holders, can be released, and is free after an error', async () => {
    const folder = temporaryFolder();
    for (const company of ['alone', 'side by side'] as const) {
      const dead = await holder(folder, company);
      const ended = new Promise((resolve) => dead.once('exit', resolve));
      dead.kill('SIGKILL');
      await ended;
      const name = company === 'alone' ? 'alone' : `beside-${dead.pid}`;
      expect(readFileSync(join(folder, name), 'utf8')).toContain(String(dead.pid));
      expect(await openHostLock(folder).hold('alone', () => Promise.resolve(7))).toBe(7);
    }
    const lock = openHostLock(folder);
    await expect(lock.hold('alone', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(lock.hold('side by side', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(existsSync(join(folder, 'alone'))).toBe(false);
    expect(existsSync(join(folder, `beside-${process.pid}`))).toBe(false);
  });

  it('stops waiting when aborted', async () => {
    const folder = temporaryFolder();
    const during = await holder(folder, 'alone');
    const stop = new AbortController();
    const turn = openHostLock(folder).hold('alone', () => Promise.resolve('turn'), stop.signal);
    stop.abort();
    await expect(turn).rejects.toThrow(/abort/);
    during.stdin?.end();
  });
});
