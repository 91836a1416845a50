import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../support/store.ts';
import { isRunning } from '../../../harness/process/process-stat.ts';

const WATCH_PARENT = resolve(import.meta.dirname, '../../../harness/process/watch-parent.ts');

/** Starts a parent that starts a child with this source; kills the parent without a word, when the child said so. */
async function orphan(child: string, when: 'started' | 'watching'): Promise<number> {
  const folder = temporaryFolder();
  const childFile = join(folder, 'child.mjs');
  const parentFile = join(folder, 'parent.mjs');
  writeFileSync(childFile, child);
  writeFileSync(
    parentFile,
    `import { spawn } from 'node:child_process';
     const env = { ...process.env, SHRINKRANK_PARENT: String(process.pid) };
     const child = spawn(process.execPath, [${JSON.stringify(childFile)}], { env, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
     console.log(child.pid);
     child.stdout.on('data', () => console.log('watching'));
     setInterval(() => {}, 1000);`,
  );
  const parent = spawn(process.execPath, [parentFile], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of parent.stdout.setEncoding('utf8')) {
    text += String(chunk);
    if (text.includes(when === 'watching' ? 'watching' : '\n')) break;
  }
  if (parent.exitCode === null) {
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  }
  return Number.parseInt(text, 10);
}

/** Whether the process ends; gives up after a second. */
async function endsSoon(pid: number): Promise<boolean> {
  for (let i = 0; i < 50 && isRunning(pid); i++) await after(20);
  const ended = !isRunning(pid);
  if (!ended) process.kill(pid, 'SIGKILL');
  return ended;
}

describe('watchParent', () => {
  it.runIf(process.platform === 'linux')('kills a looping child when its parent is killed', async () => {
    const child = `
      import { writeSync } from 'node:fs';
      import { watchParent } from ${JSON.stringify(WATCH_PARENT)};
      watchParent();
      setTimeout(() => { writeSync(1, 'x'); for (let i = 0; ; i = (i + 1) | 0) if (i === 0.5) break; }, 100);`;
    const pid = await orphan(child, 'watching');
    expect(pid).toBeGreaterThan(0);
    expect(await endsSoon(pid)).toBe(true);
  });

  it.runIf(process.platform === 'linux')('kills a child whose parent is killed before the first check', async () => {
    const child = `
      await new Promise((resolve) => setTimeout(resolve, 200));
      const { watchParent } = await import(${JSON.stringify(WATCH_PARENT)});
      watchParent();
      setInterval(() => {}, 1000);`;
    const pid = await orphan(child, 'started');
    expect(pid).toBeGreaterThan(0);
    expect(await endsSoon(pid)).toBe(true);
  });

  it.runIf(process.platform === 'linux')('keeps a child whose parent is alive', async () => {
    const source = `import { watchParent } from ${JSON.stringify(WATCH_PARENT)}; watchParent(); setTimeout(() => process.exit(5), 400);`;
    const env = { ...process.env, SHRINKRANK_PARENT: String(process.pid) };
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], { env, stdio: 'inherit' });
    expect(await once(child, 'exit')).toEqual([5, null]);
  });
});
