/** The findings of `shrinkrank doctor` on the sandbox of methods: what this machine offers, and why not more. */
import { readFileSync } from 'node:fs';
import type { SandboxSupport } from '../../harness/sandbox/sandbox.ts';
import { sandboxSupport } from '../../harness/sandbox/sandbox-support.ts';
import type { Finding } from './doctor-finding.ts';

/** Settings of the kernel and of distributions that forbid namespaces to users other than root, and how to allow them. */
const FORBIDDING = [
  {
    path: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    forbids: '1',
    remedy: 'AppArmor forbids them: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  },
  {
    path: '/proc/sys/kernel/unprivileged_userns_clone',
    forbids: '0',
    remedy: 'the kernel forbids them: sudo sysctl -w kernel.unprivileged_userns_clone=1',
  },
  {
    path: '/proc/sys/user/max_user_namespaces',
    forbids: '0',
    remedy: 'the kernel forbids them: sudo sysctl -w user.max_user_namespaces=10000',
  },
] as const;

export function sandboxFindings(support: SandboxSupport = sandboxSupport(), read = readSetting): readonly Finding[] {
  const { isolation, userNamespace, callFilter, permissionFlag, reason } = support;
  const how = userNamespace ? 'by namespaces without root' : 'by namespaces as root, methods as nobody';
  const why = `${reason ?? 'unknown'}; ${remedyFor(read)}`;
  return [
    isolation === 'all'
      ? {
          subject: 'sandbox of methods',
          state: 'ok',
          text: `${how}: no network, own processes only, no files but their inputs`,
        }
      : {
          subject: 'sandbox of methods',
          state: 'limited',
          text:
            (isolation === 'network'
              ? 'no network, but files and processes of the machine are visible: '
              : 'network, files and processes are not cut off, and rows say so: ') + why,
        },
    callFilter
      ? {
          subject: 'system calls',
          state: 'ok',
          text: 'keys, bpf, io_uring, userfaultfd and new namespaces are refused',
        }
      : { subject: 'system calls', state: 'limited', text: `not filtered, and rows say so: ${reason ?? 'unknown'}` },
    permissionFlag === null
      ? {
          subject: 'permission model',
          state: 'limited',
          text: `Node ${process.versions.node} has none; use 22.13 or newer`,
        }
      : {
          subject: 'permission model',
          state: 'ok',
          text: `${permissionFlag}: JavaScript of methods keeps to its inputs`,
        },
  ];
}

function remedyFor(read: (path: string) => string | undefined): string {
  if (process.platform !== 'linux') return 'run on Linux, or in a virtual machine with Linux';
  const setting = FORBIDDING.find(({ path, forbids }) => read(path) === forbids);
  return (
    setting?.remedy ??
    'in a container, start it with --privileged or as a user who may create namespaces; install util-linux'
  );
}

function readSetting(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined; // a kernel without this setting
  }
}
