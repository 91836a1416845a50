import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type ChildOutcome, type Confinement, runChild } from '../../../harness/process/child-process.ts';
import type { SandboxSupport } from '../../../harness/sandbox/sandbox.ts';
import { sandboxSupport } from '../../../harness/sandbox/sandbox-support.ts';
import { temporaryFolder } from '../../support/store.ts';

const MEBIBYTE = 2 ** 20;
const support = sandboxSupport();
const LEVELS = ['all', 'network', 'none'] as const;
/** What this machine can do of less than it can. */
const supportOf = (isolation: SandboxSupport['isolation']): SandboxSupport => ({ ...support, isolation });
const cannot = (isolation: SandboxSupport['isolation']) =>
  LEVELS.indexOf(isolation) < LEVELS.indexOf(support.isolation) ? ` (skipped: ${support.reason})` : '';

async function run(
  source: string,
  isolation: SandboxSupport['isolation'],
  options: {
    readonly most?: Partial<Confinement['most']>;
    readonly startsProcesses?: boolean;
    readonly timeoutSeconds?: number;
  } = {},
): Promise<{ readonly outcome: ChildOutcome; readonly messages: readonly unknown[] }> {
  const folder = temporaryFolder();
  const entry = join(folder, 'entry.mjs');
  writeFileSync(
    entry,
    `import { writeSync } from 'node:fs';
     const tell = (message) => writeSync(Number(process.env.SHRINKRANK_MESSAGES), JSON.stringify(message) + '\\n');
     ${source}`,
  );
  const cwd = join(folder, 'work');
  mkdirSync(cwd);
  const messages: unknown[] = [];
  const { most = {}, startsProcesses = false, timeoutSeconds = 30 } = options;
  const outcome = await runChild({
    entry,
    args: [],
    cwd,
    compileCache: join(folder, 'compile-cache'),
    timeoutSeconds,
    memoryBytes: 1024 * MEBIBYTE,
    onMessage: (message) => void messages.push(message),
    confinement: {
      support: supportOf(isolation),
      readable: [entry, process.execPath],
      startsProcesses,
      most: { scratchBytes: 64 * MEBIBYTE, files: 1000, processes: 64, outputBytes: MEBIBYTE, ...most },
    },
  });
  return { outcome, messages };
}

describe.each(LEVELS)('a confined child, isolation %s', (isolation) => {
  const note = cannot(isolation);

  it.skipIf(note !== '')(`returns its messages and its exit code${note}`, async () => {
    const source = `tell({ pid: process.pid }); writeSync(3, 'no json\\n' + 'x'.repeat(5000) + '\\n'); tell({ last: true }); process.exit(7);`;
    const { outcome, messages } = await run(source, isolation);
    expect(outcome).toMatchObject({ ending: 'exited', exitCode: 7 });
    expect(messages).toEqual([{ pid: expect.any(Number) as number }, { last: true }]);
  });

  it.skipIf(note !== '')(`distinguishes a crash from a kill${note}`, async () => {
    const killed = await run("process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);", isolation);
    expect(killed.outcome).toMatchObject({ ending: 'killed', signalName: 'SIGKILL' });
    expect((await run('process.abort();', isolation)).outcome).toMatchObject({
      ending: 'crashed',
      signalName: 'SIGABRT',
    });
  });

  it.skipIf(note !== '')(`has no secrets in its environment, and its own folder as home${note}`, async () => {
    vi.stubEnv('HF_TOKEN', 'secret');
    try {
      const { messages } = await run('tell(process.env);', isolation);
      expect(JSON.stringify(messages)).not.toContain('secret');
      const [env] = messages as [Readonly<Record<string, string>>];
      expect(env['HOME']).toBe(env['TMPDIR']);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it.skipIf(note !== '')(`is stopped by limits on time, output and number of files${note}`, async () => {
    const loop = 'for (let i = 0; ; i = (i + 1) | 0) if (i === 0.5) break;';
    expect((await run(loop, isolation, { timeoutSeconds: 1 })).outcome.ending).toBe('timeout');
    const print = "for (;;) { try { writeSync(1, 'x'.repeat(65536)); } catch {} }";
    expect((await run(print, isolation)).outcome).toMatchObject({
      ending: 'over-limit',
      excess: 'printed more than 1 MiB',
    });
    const litter =
      "const { mkdirSync } = await import('node:fs'); const cell = new Int32Array(new SharedArrayBuffer(4)); for (let i = 0; ; i++) { mkdirSync('folder-' + i); Atomics.wait(cell, 0, 0, 1); }";
    expect((await run(litter, isolation, { most: { files: 100 } })).outcome).toMatchObject({
      ending: 'over-limit',
      excess: 'left more than 100 files in its folder',
    });
  });
});

const namespaces = cannot('all');
it.skipIf(namespaces !== '')(
  `with namespaces sees only itself, its folder and the files it may read${namespaces}`,
  async () => {
    const source = `
    const { execFileSync } = await import('node:child_process');
    const shell = (script) => execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trim();
    tell({
      processes: shell('ls /proc | grep -c "^[0-9]"'),
      root: shell('ls /'),
      writable: shell('for path in / /usr /etc /proc/sys/kernel/core_pattern /dev . /tmp; do [ -w $path ] && echo $path; done; :'),
      interfaces: shell('ls /sys/class/net 2>/dev/null | wc -l; tail -n +3 /proc/net/dev | cut -d: -f1'),
      capabilities: shell('grep -c "^Cap...:.0*$" /proc/self/status'),
      mount: shell('mount -t tmpfs tmpfs /tmp 2>&1; umount /usr 2>&1; echo left: $?'),
    });`;
    const { outcome, messages } = await run(source, 'all', { startsProcesses: true });
    expect(outcome, JSON.stringify(outcome)).toMatchObject({ ending: 'exited', exitCode: 0 });
    const [seen] = messages as [Readonly<Record<string, string>>];
    expect(Number(seen['processes'])).toBeLessThan(8);
    expect(seen['root']?.split('\n').filter((name) => ['root', 'home', 'var', 'boot', 'mnt'].includes(name))).toEqual(
      [],
    );
    expect(seen['writable']?.split('\n')).toEqual(['.', '/tmp']);
    expect(seen['interfaces']).toMatch(/^0\s+lo$/);
    expect(seen['capabilities']).toBe('5');
    expect(seen['mount']).toMatch(/left: (1|32)$/);
  },
);
