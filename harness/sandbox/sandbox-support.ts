/**
 * Which sandbox this machine supports for untrusted code: Linux namespaces made by util-linux's `unshare`
 * (https://man7.org/linux/man-pages/man1/unshare.1.html), with or without root, and Node's permission model. Found by
 * setting up each sandbox once.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../contracts/errors.ts';
import { writeLaunchers } from './launcher.ts';
import { type SandboxSupport, sandboxCommand } from './sandbox.ts';

/** `auto`: the strictest sandbox the machine supports; rows say what it does not isolate. `required`: full isolation, else an error. */
export const SANDBOX_POLICIES = ['auto', 'required', 'off'] as const;
export type SandboxPolicy = (typeof SANDBOX_POLICIES)[number];

/** A file of the repository, which the sandboxed user must be able to read. */
const OWN_FILE = join(import.meta.dirname, '../../package.json');
const SHUT_IN = 'cat "$0" > copy && echo shut in';
/** Field of https://man7.org/linux/man-pages/man5/proc_pid_status.5.html: 2 where a filter is installed. */
const FILTERED = "grep -q '^Seccomp:.*2$' /proc/self/status || { echo 'the call filter is not in force' >&2; exit 1; }";
const PROBE_TIMEOUT_MS = 20_000;
const LONGEST_REASON = 300;

/** The sandbox to use under a policy. @throws InputError when the machine does not support what it requires. */
export function sandboxFor(policy: SandboxPolicy, machine = sandboxSupport): SandboxSupport {
  if (policy === 'off') {
    return {
      isolation: 'none',
      userNamespace: false,
      deathSignal: false,
      callFilter: false,
      permissionFlag: null,
      reason: 'turned off by --sandbox off',
    };
  }
  const support = machine();
  if (
    policy === 'required' &&
    (support.isolation !== 'all' || !support.callFilter || support.permissionFlag === null)
  ) {
    throw new InputError(
      `--sandbox required: this machine cannot sandbox methods: ${support.reason ?? 'this Node has no permission model'}; ` +
        'shrinkrank doctor says what is missing; without --sandbox required the run goes on and its rows are marked',
    );
  }
  return support;
}

/** Notes for a trial's row: what its sandbox did not isolate. */
export function sandboxRemarks({ isolation, callFilter }: SandboxSupport): readonly string[] {
  const open = [
    ...(isolation === 'none' ? ['network not cut off'] : []),
    ...(isolation === 'all' ? [] : ['files of the machine in sight']),
    ...(callFilter ? [] : ['system calls not filtered']),
  ];
  return open.length === 0 ? [] : [`not isolated: ${open.join(', ')}`];
}

let support: SandboxSupport | undefined;

/** Tried once per process. */
export function sandboxSupport(): SandboxSupport {
  return (support ??= trySandboxes());
}

function trySandboxes(): SandboxSupport {
  const permissionFlag = permissionFlagOf(process.versions.node);
  if (process.platform !== 'linux') {
    const reason = `${process.platform} has no namespaces`;
    return { isolation: 'none', userNamespace: false, deathSignal: false, callFilter: false, permissionFlag, reason };
  }
  const deathSignal = spawnSync('setpriv', ['--pdeathsig', 'KILL', '--', 'true']).status === 0;
  const failures: string[] = [];
  for (const isolation of ['all', 'network', 'none'] as const) {
    // Root tries without a user namespace first; other users need one.
    for (const userNamespace of isolation === 'none' ? [false] : process.getuid?.() === 0 ? [false, true] : [true]) {
      for (const callFilter of writeLaunchers() ? [true, false] : [false]) {
        const reason = failures[0] ?? (callFilter ? null : `no call filter for ${process.arch}`);
        const candidate = { isolation, userNamespace, deathSignal, callFilter, permissionFlag, reason };
        const failure = deathSignal ? tryOne(candidate) : 'setpriv of util-linux 2.33 or newer is missing';
        if (failure === undefined) return candidate;
        failures.push(failure);
      }
    }
  }
  const reason = failures[0] ?? null;
  return { isolation: 'none', userNamespace: false, deathSignal, callFilter: false, permissionFlag, reason };
}

/** Why the sandbox fails; undefined when it works. */
function tryOne(candidate: SandboxSupport): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'shrinkrank-sandbox-'));
  try {
    const { program, args } = sandboxCommand({
      support: candidate,
      cwd: folder,
      readable: [OWN_FILE],
      mostFileBytes: 2 ** 20,
      command: ['/bin/sh', '-c', candidate.callFilter ? `${FILTERED} && ${SHUT_IN}` : SHUT_IN, OWN_FILE],
    });
    const { stdout, stderr, error } = spawnSync(program, args, {
      encoding: 'utf8',
      timeout: PROBE_TIMEOUT_MS,
      env: { PATH: process.env['PATH'] },
    });
    if (stdout?.trim() === 'shut in') return undefined;
    return (error?.message ?? stderr.trim().replaceAll(/\s+/g, ' ')).slice(0, LONGEST_REASON) || 'unshare failed';
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(`${folder}.sandbox`, { recursive: true, force: true });
  }
}

/** https://nodejs.org/api/permissions.html: experimental from 20.0, stable from 22.13 and 23.5. */
export function permissionFlagOf(version: string): SandboxSupport['permissionFlag'] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major >= 24 || (major === 23 && minor >= 5) || (major === 22 && minor >= 13)) return '--permission';
  return major >= 20 ? '--experimental-permission' : null;
}
