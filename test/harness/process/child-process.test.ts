import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { type ChildRequest, runChild } from '../../../harness/process/child-process.ts';
import { temporaryFolder } from '../../support/store.ts';
import { isRunning } from '../../../harness/process/process-stat.ts';

const MEBIBYTE = 2 ** 20;

/** A request to run this source, under limits that no well-behaved child meets. */
function requestOf(source: string, overrides: Partial<ChildRequest> = {}): ChildRequest {
  const cwd = temporaryFolder();
  const entry = join(cwd, 'entry.mjs');
  writeFileSync(entry, source);
  const compileCache = join(cwd, 'compile-cache');
  return { entry, args: [], cwd, compileCache, timeoutSeconds: 20, memoryBytes: 1024 * MEBIBYTE, ...overrides };
}

/** Runs this source until it calls process.send, then calls `then`; resolves with the outcome and what was sent. */
async function runUntilSent(source: string, then: (sent: unknown) => void, overrides: Partial<ChildRequest> = {}) {
  let sent: unknown;
  const onMessage = (message: unknown) => {
    sent = message;
    then(message);
  };
  return { outcome: await runChild(requestOf(source, { ...overrides, onMessage })), sent };
}

async function hasEnded(pid: number): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    if (!isRunning(pid)) return true;
    await after(20);
  }
  return false;
}

const LOOP = 'for (let i = 0; ; i = (i + 1) | 0) if (i === 0.5) break;';

describe('runChild', () => {
  it('returns the exit code, standard error, and the resources used', async () => {
    const outcome = await runChild(requestOf("console.log('x'); console.error('a last word'); process.exit(7);"));
    expect(outcome).toMatchObject({ ending: 'exited', exitCode: 7, errorOutput: 'a last word' });
    expect(outcome.wallSeconds).toBeGreaterThan(0);
  });

  it('passes on arguments, folder and messages', async () => {
    const messages: unknown[] = [];
    const request = requestOf('process.send([process.argv[2], process.cwd()]); process.disconnect();', {
      args: ['an argument'],
      onMessage: (message) => void messages.push(message),
    });
    expect(await runChild(request)).toMatchObject({ ending: 'exited', exitCode: 0 });
    expect(messages).toEqual([['an argument', request.cwd]]);
  });

  it('reports an uncaught error by its exit code and stack', async () => {
    const outcome = await runChild(requestOf("throw new RangeError('out of it');"));
    expect(outcome).toMatchObject({ ending: 'exited', exitCode: 1 });
    expect(outcome).toHaveProperty('errorOutput', expect.stringContaining('RangeError: out of it'));
  });

  it('distinguishes a crash from a kill', async () => {
    expect(await runChild(requestOf('process.abort();'))).toMatchObject({ ending: 'crashed', signalName: 'SIGABRT' });
    const killed = await runChild(requestOf("process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);"));
    expect(killed).toMatchObject({ ending: 'killed', signalName: 'SIGKILL' });
  });

  it('kills a loop that never yields at the time limit', async () => {
    const { outcome, sent } = await runUntilSent(`process.send(process.pid, () => { ${LOOP} });`, () => {}, {
      timeoutSeconds: 0.5,
    });
    expect(outcome.ending).toBe('timeout');
    expect(await hasEnded(Number(sent))).toBe(true);
  });

  it('kills a process that exceeds the memory limit, and reports its memory', async () => {
    const source = 'const kept = []; setInterval(() => kept.push(Buffer.alloc(16 * 2 ** 20, 1)), 5);';
    const outcome = await runChild(requestOf(source, { memoryBytes: 192 * MEBIBYTE }));
    expect(outcome.ending).toBe('out-of-memory');
    expect(outcome.peakMemoryBytes).toBeGreaterThan(192 * MEBIBYTE);
  });

  it('counts the memory of the child’s own children', async () => {
    const grandchild = 'const kept = Buffer.alloc(256 * 2 ** 20, 1); setInterval(() => kept.length, 1000);';
    const source = `
      import { spawn } from 'node:child_process';
      spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}], { stdio: 'ignore' });
      setInterval(() => {}, 1000);`;
    const outcome = await runChild(requestOf(source, { memoryBytes: 300 * MEBIBYTE }));
    expect(outcome.ending).toBe('out-of-memory');
  });

  it('kills the child when the signal is aborted, before or during the run', async () => {
    const wait = 'setInterval(() => {}, 1000); process.send(process.pid);';
    expect((await runChild(requestOf(wait, { signal: AbortSignal.abort() }))).ending).toBe('aborted');
    const abort = new AbortController();
    const { outcome, sent } = await runUntilSent(wait, () => abort.abort(), { signal: abort.signal });
    expect(outcome.ending).toBe('aborted');
    expect(await hasEnded(Number(sent))).toBe(true);
  });

  it.each([
    ['exits', 'process.exit(0);'],
    ['runs out of time', 'setInterval(() => {}, 1000);'],
  ])('kills grandchildren when the child %s', async (_, ending) => {
    const source = `
      import { spawn } from 'node:child_process';
      const { pid } = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
      process.send(pid, () => { ${ending} });`;
    const { sent } = await runUntilSent(source, () => {}, { timeoutSeconds: 1 });
    expect(Number(sent)).toBeGreaterThan(0);
    expect(await hasEnded(Number(sent))).toBe(true);
  });

  it('keeps only the end of a long output', async () => {
    const source = `
      import { writeSync } from 'node:fs';
      for (let i = 0; i < 400; i++) { writeSync(1, 'o'.repeat(8192)); writeSync(2, 'e'.repeat(8192)); }
      writeSync(2, 'the end');
      process.exit(1);`;
    const outcome = await runChild(requestOf(source));
    expect(outcome).toHaveProperty('errorOutput', expect.stringMatching(/^e+the end$/));
    expect((outcome as { errorOutput: string }).errorOutput.length).toBeLessThanOrEqual(16_384);
  });

  it('passes only the necessary environment to the child', async () => {
    vi.stubEnv('HF_TOKEN', 'secret');
    vi.stubEnv('NODE_OPTIONS', '--no-warnings');
    try {
      const { sent } = await runUntilSent('process.send(process.env); process.disconnect();', () => {});
      const known = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LD_LIBRARY_PATH'];
      const added = ['NODE_COMPILE_CACHE', 'SHRINKRANK_PARENT', 'NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'];
      expect(Object.keys(sent as object).filter((name) => ![...known, ...added].includes(name))).toEqual([]);
      expect(sent).toHaveProperty('PATH', process.env['PATH']);
      expect(JSON.stringify(sent)).not.toContain('secret');
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
