/**
 * Builds the command that runs a program in a sandbox. With isolation `all` the program sees its own root file system: read-only
 * binds of what it may read, its working directory and two small folders in memory. It has no network and sees only its
 * own processes, which all end with it. The sandbox is set up by util-linux and sh, which takes about 20 ms.
 */
import {
  type Stats,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type Launchers, writeLaunchers } from './launcher.ts';

/** `all`: isolates network, files and processes. `network`: isolates the network only. */
export type Isolation = 'all' | 'network' | 'none';

export interface SandboxSupport {
  readonly isolation: Isolation;
  /** Creates the namespaces inside a user namespace, which needs no root privileges; else root creates them. */
  readonly userNamespace: boolean;
  /** The kernel kills the process when its parent dies. */
  readonly deathSignal: boolean;
  /** The kernel refuses the system calls of call-filter.ts; the session keyring is new, and no file of the starter is open. */
  readonly callFilter: boolean;
  /** Flag that enables Node's permission model; null when it is missing or not to be used. */
  readonly permissionFlag: '--permission' | '--experimental-permission' | null;
  /** Why isolation is not `all`; null when it is. */
  readonly reason: string | null;
}

export interface SandboxRequest {
  readonly support: SandboxSupport;
  /** Writable working directory. The caller removes it, and `<cwd>.sandbox` beside it. */
  readonly cwd: string;
  /** Absolute paths of files and folders the program may read, besides the system's programs and libraries. */
  readonly readable: readonly string[];
  readonly mostFileBytes: number;
  readonly command: readonly [program: string, ...args: readonly string[]];
}

export interface SandboxCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** Printed when the sandbox setup fails; the program has not started then. */
export const SETUP_FAILED = 'shrinkrank: the sandbox cannot be set up';

const MOST_TASKS = 1024;
const MOST_OPEN_FILES = 4096;
/** Size of /tmp and /dev/shm, in memory, for programs that need them; TMPDIR is the working directory. */
const MEMORY_FOLDER_MEBIBYTES = 64;
/** Programs and libraries of the system. Those that are links on this machine are created as links. */
const SYSTEM_FOLDERS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/nix/store', '/gnu/store'];
/** Files in /etc that configure libraries, drivers and time zone; none holds user names or keys. */
const SYSTEM_FILES = [
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'alternatives',
  'localtime',
  'ssl/openssl.cnf',
  'vulkan',
];
/** Read by onnxruntime and Node for processor features, and by the energy meter. */
export const KERNEL_FOLDERS = ['/sys/devices/system', '/sys/devices/virtual/powercap', '/sys/class/powercap'];
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom'];
/** Device nodes of accelerators, which methods may train on. */
const ACCELERATORS = /^(nvidia.*|dri|kfd|dxg)$/;

export function sandboxCommand(request: SandboxRequest): SandboxCommand {
  const { support, mostFileBytes } = request;
  const { isolation, userNamespace } = support;
  const launchers = support.callFilter ? writeLaunchers() : null;
  const command = [...(launchers ? [launchers.filtering] : []), ...request.command];
  const [program = '', ...args] = command;
  if (!support.deathSignal) return { program, args };
  const user = userNamespace ? ['--user', '--map-root-user'] : [];
  const limits = limitsOf(mostFileBytes, isolation === 'all' || userNamespace);
  const tied = ['--pdeathsig', 'KILL', '--', 'sh', '-c', '[ "$PPID" = "$0" ] && exec "$@"', String(process.pid)];
  switch (isolation) {
    case 'none':
      return launched(launchers, ['setpriv', ...tied, ...limits, ...command]);
    case 'network':
      return launched(launchers, [
        'setpriv',
        ...tied,
        'unshare',
        ...user,
        '--net',
        '--',
        ...limits,
        ...POWERLESS,
        ...command,
      ]);
    case 'all': {
      const namespaces = ['--net', '--mount', '--ipc', '--uts', '--pid', '--fork', '--kill-child=KILL'];
      const readable = [...request.readable, ...(launchers ? [launchers.filtering] : [])];
      const script = setupScript({ ...request, readable }, [...limits, ...(userNamespace ? POWERLESS : NOBODY)]);
      return launched(launchers, [
        'setpriv',
        ...tied,
        'unshare',
        ...user,
        ...namespaces,
        '--',
        'sh',
        '-c',
        script,
        'sandbox',
        ...command,
      ]);
    }
  }
}

/** The sandbox itself inherits no key and no open file either, so what it starts finds none. */
function launched(launchers: Launchers | null, command: readonly string[]): SandboxCommand {
  const [program = '', ...args] = launchers ? [launchers.plain, ENV, ...command] : command;
  return { program, args };
}

/** Finds a program on PATH, on every Linux. */
const ENV = '/usr/bin/env';

/** Drops all capabilities; set-user-ID programs cannot regain them. */
const POWERLESS = ['setpriv', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--'];
/** Under root the program runs as user nobody, who owns no files and whose processes the kernel counts. */
const NOBODY_ID = 65_534;
const NOBODY = ['setpriv', `--reuid=${NOBODY_ID}`, `--regid=${NOBODY_ID}`, '--clear-groups', ...POWERLESS.slice(1)];

/** Limits core files, file size, open files and, where only the sandbox's tasks count, tasks. */
function limitsOf(mostFileBytes: number, countsTasks: boolean): string[] {
  const limits = [
    ['core', 'core file size', 0],
    ['fsize', 'file size', mostFileBytes],
    ['nofile', 'open files', MOST_OPEN_FILES],
    ...(countsTasks ? ([['nproc', 'processes', MOST_TASKS]] as const) : []),
  ] as const;
  const present = readFileSync('/proc/self/limits', 'utf8');
  return [
    'prlimit',
    ...limits.map(([option, name, wanted]) => {
      const hard = Number(new RegExp(`^Max ${name}\\s+\\S+\\s+(\\d+)`, 'm').exec(present)?.[1] ?? Infinity);
      return `--${option}=${Math.min(wanted, hard)}`;
    }),
    '--',
  ];
}

interface BoundPath {
  readonly path: string;
  readonly kind: 'folder' | 'file' | 'link';
  readonly options: string;
}

/** The script of the sandbox's PID 1: builds a root, enters it, runs the program and returns its exit code. */
function setupScript({ support, cwd, readable }: SandboxRequest, wrappers: readonly string[]): string {
  const scaffold = `${cwd}.sandbox`;
  const root = join(scaffold, 'root');
  mkdirSync(root, { recursive: true });
  if (!support.userNamespace) chownSync(cwd, NOBODY_ID, NOBODY_ID);
  const mounts = readMounts();
  const paths = [
    ...outermost([
      ...SYSTEM_FOLDERS,
      ...SYSTEM_FILES.map((name) => `/etc/${name}`),
      ...KERNEL_FOLDERS,
      ...readable,
    ]).flatMap((path) => boundPathOf(path, mounts)),
    ...devices().flatMap((path) => boundPathOf(path, mounts, 'rbind')),
    { path: cwd, kind: 'folder', options: 'bind,nosuid,nodev' } as const,
  ];
  const inMemory = `nosuid,nodev,size=${MEMORY_FOLDER_MEBIBYTES}m,mode=1777`;
  const line = (source: string, target: string, rest: string) =>
    `${fstabWord(source)} ${fstabWord(root + target)} ${rest} 0 0`;
  const bound = paths.filter(({ kind }) => kind !== 'link');
  const table = [
    line('proc', '/proc', 'proc ro,nosuid,nodev,noexec'),
    line('tmpfs', '/dev/shm', `tmpfs ${inMemory}`),
    ...bound.map(({ path, options }) => line(path, path, `none ${options}`)),
  ];
  writeFileSync(join(scaffold, 'fstab'), `${table.join('\n')}\n`);
  // Paths in /tmp are created after /tmp is mounted.
  const inTmp = (path: string) => path.startsWith('/tmp/');
  const make = (chosen: readonly BoundPath[]): string[] => {
    const folders = chosen.map(({ path, kind }) => `.${kind === 'folder' ? path : dirname(path)}`);
    return [
      folders.length > 0 ? `mkdir -p ${[...new Set(folders)].map(shellWord).join(' ')}` : ':',
      ...chosen.filter(({ kind }) => kind === 'file').map(({ path }) => `: > ${shellWord(`.${path}`)}`),
      ...chosen
        .filter(({ kind }) => kind === 'link')
        .map(({ path }) => `ln -s ${shellWord(readlinkSync(path))} ${shellWord(`.${path}`)}`),
    ];
  };
  return [
    'set -e; umask 022',
    `trap 'echo "${SETUP_FAILED}" >&2' EXIT`,
    'path=$PATH; PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin',
    `mount -t tmpfs -o size=16m,mode=755,nosuid,nodev tmpfs ${shellWord(root)}`,
    `cd ${shellWord(root)}`,
    'mkdir -p proc tmp dev/shm etc',
    `printf 'root:x:0:0::/:/bin/sh\\nnobody:x:${NOBODY_ID}:${NOBODY_ID}::/:/bin/sh\\n' > etc/passwd`,
    `printf 'root:x:0:\\nnogroup:x:${NOBODY_ID}:\\n' > etc/group`,
    'ln -s /proc/self/fd dev/fd',
    ...make(paths.filter(({ path }) => !inTmp(path))),
    `mount -t tmpfs -o ${inMemory} tmpfs ./tmp`,
    ...make(paths.filter(({ path }) => inTmp(path))),
    `mount -a -T ${shellWord(join(scaffold, 'fstab'))}`,
    ...mountsBelow(bound, mounts).map(
      (mount) => `mount -o remount,${readOnly(mount)} ${shellWord(root + mount.path)} || :`,
    ),
    `mount -o remount,bind,ro,nosuid,nodev ${shellWord(root)}`,
    // Nested user namespaces would give capabilities inside them; forbid them where the kernel lets us.
    ...(support.userNamespace ? ['{ echo 0 > /proc/sys/user/max_user_namespaces; } 2>/dev/null || :'] : []),
    `cd ${shellWord(root)}`,
    'pivot_root . .',
    'umount -l .',
    `cd ${shellWord(cwd)}`,
    'trap - EXIT',
    'set +e',
    'PATH=$path',
    // Not exec: PID 1 of a namespace ignores signals, even those it causes itself.
    `${wrappers.map(shellWord).join(' ')} "$@"`,
    'status=$?',
    // Processor time of all that this shell waited for, orphans included; see readMessages of child-process.ts.
    'times >&3 2>/dev/null',
    'exit $status',
  ].join('\n');
}

function devices(): string[] {
  const accelerators = readdirSync('/dev').filter((name) => ACCELERATORS.test(name));
  return [...DEVICES, ...accelerators].map((name) => `/dev/${name}`);
}

/** Paths that lie in no other of these paths, shortest first. */
function outermost(paths: readonly string[]): string[] {
  const kept: string[] = [];
  for (const path of [...new Set(paths)].sort((a, b) => a.length - b.length)) {
    if (!kept.some((other) => path.startsWith(`${other}/`))) kept.push(path);
  }
  return kept;
}

function boundPathOf(path: string, mounts: readonly Mount[], options?: string): BoundPath[] {
  if (!existsSync(path)) return [];
  const found: Stats = lstatSync(path);
  if (found.isSymbolicLink() && SYSTEM_FOLDERS.includes(path)) return [{ path, kind: 'link', options: '' }];
  const kind = statSync(path).isDirectory() ? 'folder' : 'file';
  return [{ path, kind, options: options ?? `r${readOnly(mountOf(path, mounts))}` }];
}

/** Mount flags of the source cannot be removed in a user namespace, so `noexec` is kept. */
function readOnly(mount: Mount | undefined): string {
  return `bind,ro,nosuid,nodev${mount?.options.includes('noexec') ? ',noexec' : ''}`;
}

/** Mounts below a bound folder, which are bound with it. */
function mountsBelow(bound: readonly BoundPath[], mounts: readonly Mount[]): Mount[] {
  const folders = bound.filter(({ options }) => options.startsWith('rbind,ro')).map(({ path }) => `${path}/`);
  return mounts.filter((mount) => folders.some((folder) => mount.path.startsWith(folder)));
}

interface Mount {
  readonly path: string;
  readonly options: readonly string[];
}

/** https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html: fields 5 and 6. */
function readMounts(): Mount[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, , , , path = '', options = ''] = line.split(' ');
      const plain = path.replaceAll(/\\([0-7]{3})/g, (escape: string) =>
        String.fromCharCode(Number.parseInt(escape.slice(1), 8)),
      );
      return { path: plain, options: options.split(',') };
    });
}

function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  const inside = mounts.filter(
    (mount) => path === mount.path || path.startsWith(mount.path === '/' ? '/' : `${mount.path}/`),
  );
  return inside.reduce<Mount | undefined>(
    (best, mount) => (best && best.path.length > mount.path.length ? best : mount),
    undefined,
  );
}

function fstabWord(text: string): string {
  return text.replaceAll(/[\s\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
