import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { CALL_NUMBERS, callFilter } from '../../../harness/sandbox/call-filter.ts';
import { launcherFile, writeLaunchers } from '../../../harness/sandbox/launcher.ts';

const launchers = process.platform === 'linux' ? writeLaunchers() : null;
const numbers = CALL_NUMBERS[process.arch];
const hasPerl = spawnSync('perl', ['-e', '1']).status === 0;
const missing = !launchers || !numbers ? ` (skipped: no launcher for ${process.platform} ${process.arch})` : '';
const missingPerl = missing || (hasPerl ? '' : ' (skipped: no perl to make system calls with)');

function start(launcher: string | undefined, command: readonly string[], descriptors = 3): string {
  const stdio = ['ignore', ...Array.from({ length: descriptors - 1 }, () => 'pipe' as const)] as const;
  const { stdout, stderr } = spawnSync(launcher ?? '', [...command], { encoding: 'utf8', stdio: [...stdio] });
  return stdout + stderr;
}

/** Number of the error of a system call, 0 where it is carried out. */
function errorOf(number: number, ...args: readonly number[]): number {
  const call = `$! = 0; $r = syscall(${[number, ...args].join(', ')}); print $r < 0 ? $! + 0 : 0;`;
  return Number(start(launchers?.filtering, ['/usr/bin/env', 'perl', '-e', call]));
}

it.skipIf(missing !== '')(`executes the program with its arguments and environment${missing}`, () => {
  for (const launcher of [launchers?.plain, launchers?.filtering]) {
    expect(start(launcher, ['/bin/sh', '-c', 'echo "$1" "$2" "${PATH:+path}"', 'sh', 'a b', ''])).toBe('a b  path\n');
    expect(spawnSync(launcher ?? '', ['/nowhere/program']).status).toBe(126);
  }
});

it.skipIf(missing !== '')(`keeps only descriptors below 4 open${missing}`, () => {
  const list = ['/bin/sh', '-c', 'for i in 0 1 2 3 4 9; do [ -e /proc/$$/fd/$i ] && echo $i; done; :'];
  expect(start('/usr/bin/env', list, 40).split('\n')).toContain('9');
  expect(start(launchers?.plain, list, 40)).toBe('0\n1\n2\n3\n');
});

it.skipIf(missingPerl !== '')(`has none of the session keys of its parent${missingPerl}`, () => {
  const { refused } = numbers ?? { refused: [] };
  const [addKey, , keyctl] = refused;
  const look = `($type, $name) = ("user", "shrinkrank-test"); print syscall(${keyctl}, 10, -3, $type, $name, 0) > 0 ? "seen" : "none"`;
  const seenBy = (launcher: string) => {
    const add = `syscall(${keyctl}, 1, 0); ($type, $name, $secret) = ("user", "shrinkrank-test", "x");
      syscall(${addKey}, $type, $name, $secret, 1, -3) < 0 and print "no keys here";
      exec("${launcher}", "/usr/bin/env", "perl", "-e", $ARGV[0]);`;
    return start('/usr/bin/env', ['perl', '-e', add, look]);
  };
  const open = seenBy('/usr/bin/env');
  // A container may refuse keys altogether; then there is nothing to lose.
  if (open.includes('no keys here')) return;
  expect(open).toBe('seen');
  expect(seenBy(launchers?.plain ?? '')).toBe('none');
});

describe('callFilter', () => {
  const EPERM = 1;
  const ENOSYS = 38;
  const EAFNOSUPPORT = 97;

  it.skipIf(missingPerl !== '')(`refuses keys, bpf, userfaultfd and io_uring${missingPerl}`, () => {
    for (const number of numbers?.refused ?? []) expect(errorOf(number, 0, 0, 0), `${number}`).toBe(EPERM);
    for (const number of [425, 426, 427, 435]) expect(errorOf(number, 0, 0), `${number}`).toBe(ENOSYS);
  });

  it.skipIf(missingPerl !== '')(`refuses new namespaces, and allows processes and threads${missingPerl}`, () => {
    const { clone = 0, unshare = 0 } = numbers ?? {};
    for (const flag of [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]) {
      expect(errorOf(unshare, flag)).toBe(EPERM);
      expect(errorOf(clone, flag | 17, 0, 0, 0, 0)).toBe(EPERM);
    }
    expect(start(launchers?.filtering, ['/bin/sh', '-c', '(echo child) | cat; echo $?'])).toBe('child\n0\n');
    const thread = "new (require('node:worker_threads').Worker)('console.log(\"thread\")', { eval: true })";
    expect(start(launchers?.filtering, [process.execPath, '-e', thread])).toBe('thread\n');
  });

  it.skipIf(missingPerl !== '')(`allows only sockets that a network namespace isolates${missingPerl}`, () => {
    const { socket = 0 } = numbers ?? {};
    for (const family of [1, 2, 10, 16]) expect(errorOf(socket, family, family === 16 ? 3 : 2, 0)).toBe(0);
    // AF_PACKET, AF_ALG, AF_VSOCK
    for (const family of [17, 38, 40]) expect(errorOf(socket, family, 2, 0)).toBe(EAFNOSUPPORT);
  });

  it.skipIf(missing !== '')(`applies to all processes that the program starts${missing}`, () => {
    const inherited = start(launchers?.filtering, ['/bin/sh', '-c', 'sh -c "grep ^Seccomp: /proc/self/status"']);
    expect(inherited).toMatch(/^Seccomp:\s+2$/m);
  });

  it('jumps only within the program on each architecture', () => {
    for (const each of Object.values(CALL_NUMBERS)) {
      const program = Buffer.from(callFilter(each));
      for (let at = 0; at < program.byteLength; at += 8) {
        const isJump = (program.readUInt16LE(at) & 7) === 5;
        const reach = Math.max(program.readUInt8(at + 2), program.readUInt8(at + 3));
        if (isJump) expect(at / 8 + 1 + reach).toBeLessThan(program.byteLength / 8);
      }
      // It ends by allowing what no rule refuses.
      expect(program.readUInt32LE(program.byteLength - 4)).toBe(0x7fff0000);
    }
  });
});

it('writes a file for the given architecture', () => {
  // e_machine of the ELF header: EM_X86_64 and EM_AARCH64.
  expect(launcherFile('x64', null).readUInt16LE(18)).toBe(62);
  expect(launcherFile('arm64', null).readUInt16LE(18)).toBe(183);
});
