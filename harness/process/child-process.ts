/**
 * Runs a module in a child process under limits and says how it ended. The child leads a process group, so killing the
 * group kills what the child started; the child also ends when this process dies. A child that runs untrusted code is
 * sandboxed (sandbox.ts) and sends lines of JSON on a pipe, because deserializing Node's IPC messages is not safe.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { folderUse } from './folder-use.ts';
import { removeFolder } from './plain-file.ts';
import { type ProcessTree, createProcessTree } from './process-tree.ts';
import { KERNEL_FOLDERS, SETUP_FAILED, type SandboxSupport, sandboxCommand } from '../sandbox/sandbox.ts';
import { MESSAGE_VARIABLE } from './tell-parent.ts';
import { PARENT_VARIABLE } from './watch-parent.ts';

export interface ChildRequest {
  /** Absolute path of the module to run. */
  readonly entry: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Folder of V8's compile cache: compiling the modules takes longer than most trials. */
  readonly compileCache: string;
  readonly timeoutSeconds: number;
  /** Largest resident set of the child and its descendants together. */
  readonly memoryBytes: number;
  readonly signal?: AbortSignal;
  /** Called with each message of the child: sent by process.send, or by tellParent where it is confined. */
  readonly onMessage?: (message: unknown, spent: ChildUsage) => void;
  /** How a child that runs untrusted code is sandboxed. */
  readonly confinement?: Confinement;
}

export interface Confinement {
  readonly support: SandboxSupport;
  /** Absolute paths of files and folders it may read, besides its working directory and system files. */
  readonly readable: readonly string[];
  /** Whether Node's permission model lets it start processes. */
  readonly startsProcesses: boolean;
  readonly most: ConfinementLimits;
}

export interface ConfinementLimits {
  /** In the working directory, and in open files that have been deleted. */
  readonly scratchBytes: number;
  readonly files: number;
  readonly processes: number;
  /** On standard output, standard error and the pipe for messages together. */
  readonly outputBytes: number;
}

export interface ChildUsage {
  readonly wallSeconds: number;
  /** Of the child and all that it started, sandbox included; null when it ended before the first sample and has no sandbox. */
  readonly cpuSeconds: number | null;
  readonly peakMemoryBytes: number;
}

/**
 * `killed`: by a signal that this process did not send (the kernel or a person did), so the step is worth retrying.
 * `crashed`: by a signal the child caused itself, such as SIGSEGV. `exited`: with any exit code; see its standard error.
 * `over-limit`: it exceeded a limit of its confinement; `excess` says which. `not-started`: the sandbox setup failed.
 */
export type ChildOutcome = ChildUsage &
  (
    | { readonly ending: 'exited'; readonly exitCode: number; readonly errorOutput: string }
    | { readonly ending: 'killed' | 'crashed'; readonly signalName: string; readonly errorOutput: string }
    | { readonly ending: 'timeout' | 'out-of-memory' | 'aborted' }
    | { readonly ending: 'over-limit'; readonly excess: string }
    | { readonly ending: 'not-started'; readonly errorOutput: string }
  );

const SAMPLE_INTERVAL_MS = 50;
/** Interval between scans of the scratch folder, which take at most a tenth of the time. */
const SCRATCH_INTERVAL_MS = 200;
const SCRATCH_REST_RATIO = 10;
/** Enough for a stack trace; limits the memory that a child's output takes here. */
const KEPT_OUTPUT_BYTES = 16_384;
/** Messages of a confined child are short: progress, or that compressing begins. */
const LONGEST_MESSAGE_BYTES = 4096;
const MESSAGE_DESCRIPTOR = 3;
/** What V8 and the C++ library print when an allocation fails before our limit is reached. */
const OUT_OF_MEMORY_OUTPUT = /heap out of memory|Array buffer allocation failed|bad_alloc|Cannot allocate memory/i;
const CRASHES = new Set(['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSEGV', 'SIGSYS', 'SIGTRAP']);
/** Names by number; of several names the first (SIGABRT, not SIGIOT). */
const SIGNAL_NAMES = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number as number, name]),
);
/** A shell exits with this number plus that of the signal that ended its command. */
const SIGNAL_EXIT_CODE = 128;
/** Process generations of the sandbox itself: `unshare` and the shell it starts. */
const SANDBOX_GENERATIONS = 2;

type Stop =
  | { readonly ending: 'timeout' | 'out-of-memory' | 'aborted' }
  | { readonly ending: 'over-limit'; readonly excess: string };

export async function runChild(request: ChildRequest): Promise<ChildOutcome> {
  const { confinement } = request;
  const startedAt = performance.now();
  const child = start(request);
  const inside = confinement?.support.isolation === 'all';
  const tree = createProcessTree(child.pid ?? 0, {
    outer: inside ? SANDBOX_GENERATIONS : 0,
    ...(confinement && !inside && { mark: `TMPDIR=${request.cwd}` }),
  });
  let ended: Stop | undefined;
  let cpuSeconds: number | null = null;
  let peakMemoryBytes = 0;
  let outputBytes = 0;

  function end(reason: Stop): void {
    ended ??= reason;
    if (child.pid !== undefined) tree.kill();
  }
  function sample(): void {
    const usage = child.pid === undefined ? undefined : tree.usage();
    if (!usage) return;
    cpuSeconds = Math.max(cpuSeconds ?? 0, usage.cpuSeconds);
    peakMemoryBytes = Math.max(peakMemoryBytes, usage.memoryBytes);
    const most = confinement?.most.processes ?? Infinity;
    if (usage.processes > most) end({ ending: 'over-limit', excess: `ran more than ${most} processes at once` });
    if (usage.memoryBytes > request.memoryBytes) end({ ending: 'out-of-memory' });
  }
  const spent = (): ChildUsage => ({
    wallSeconds: (performance.now() - startedAt) / 1000,
    cpuSeconds,
    peakMemoryBytes,
  });
  const onBytes = (bytes: number): void => {
    outputBytes += bytes;
    const most = confinement?.most.outputBytes ?? Infinity;
    if (outputBytes > most) end({ ending: 'over-limit', excess: `printed more than ${mebibytes(most)}` });
  };
  const onMessage = (message: unknown): void => {
    sample();
    request.onMessage?.(message, spent());
  };

  const onTimes = (seconds: number): void => {
    cpuSeconds = Math.max(cpuSeconds ?? 0, seconds);
  };

  const output = keepTail(child, onBytes);
  if (!confinement) child.on('message', (message) => request.onMessage?.(message, spent()));
  else readMessages(child.stdio[MESSAGE_DESCRIPTOR] as Readable, { onBytes, onMessage, onTimes });
  const sampler = setInterval(sample, SAMPLE_INTERVAL_MS);
  const scratch = confinement && watchScratch(request.cwd, { tree, most: confinement.most, end });
  const timer = setTimeout(() => end({ ending: 'timeout' }), request.timeoutSeconds * 1000);
  const onAbort = () => end({ ending: 'aborted' });
  request.signal?.addEventListener('abort', onAbort);
  if (request.signal?.aborted) onAbort();

  try {
    const { exitCode, signalName } = await closed(child, tree);
    tree.kill();
    if (ended) return { ...spent(), ...ended };
    return { ...spent(), ...endingOf({ exitCode, signalName, errorOutput: output(), inside }) };
  } finally {
    clearInterval(sampler);
    clearTimeout(timer);
    scratch?.stop();
    request.signal?.removeEventListener('abort', onAbort);
    if (inside) removeFolder(`${request.cwd}.sandbox`);
  }
}

function endingOf(parts: {
  readonly exitCode: number | null;
  readonly signalName: string | null;
  readonly errorOutput: string;
  readonly inside: boolean;
}) {
  const { exitCode, errorOutput, inside } = parts;
  if (inside && exitCode !== 0 && errorOutput.endsWith(SETUP_FAILED))
    return { ending: 'not-started', errorOutput } as const;
  if (exitCode !== 0 && OUT_OF_MEMORY_OUTPUT.test(errorOutput)) return { ending: 'out-of-memory' } as const;
  // The shell reports a signal as an exit code; a method that exits with such a code is taken for killed, nothing worse.
  const inner = inside && exitCode !== null ? SIGNAL_NAMES.get(exitCode - SIGNAL_EXIT_CODE) : undefined;
  const signalName = parts.signalName ?? inner;
  if (signalName !== undefined) {
    return { ending: CRASHES.has(signalName) ? 'crashed' : 'killed', signalName, errorOutput } as const;
  }
  return { ending: 'exited', exitCode: exitCode ?? 0, errorOutput } as const;
}

function start(request: ChildRequest): ChildProcess {
  const { cwd, confinement, compileCache } = request;
  const node = [
    process.execPath,
    // V8's default heap limit may be lower than ours.
    `--max-old-space-size=${Math.ceil(request.memoryBytes / 2 ** 20)}`,
    '--disable-warning=ExperimentalWarning',
    ...(confinement ? permissionFlags(request, confinement) : []),
    request.entry,
    ...request.args,
  ] as const;
  if (!confinement) {
    return spawn(node[0], node.slice(1), {
      cwd,
      env: childEnvironment(request),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
  }
  mkdirSync(compileCache, { recursive: true });
  const { program, args } = sandboxCommand({
    support: confinement.support,
    cwd,
    readable: [...confinement.readable, compileCache],
    mostFileBytes: confinement.most.scratchBytes,
    command: node,
  });
  return spawn(program, args, {
    cwd,
    env: childEnvironment(request),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
}

/**
 * Node's permission model, https://nodejs.org/api/permissions.html, limits JavaScript to these paths. It does not limit
 * native code such as onnxruntime; only the namespaces do.
 */
function permissionFlags(
  { cwd, entry, compileCache }: ChildRequest,
  { support, readable, startsProcesses }: Confinement,
): string[] {
  if (support.permissionFlag === null) return [];
  const processes = support.isolation === 'all' || startsProcesses ? '/proc' : '/proc/self';
  // Node does not read a compile cache it may not write. Where there are namespaces, the cache is mounted read-only.
  const written = [cwd, compileCache];
  const read = [...readable, ...written, entry, processes, ...KERNEL_FOLDERS];
  return [
    support.permissionFlag,
    '--disable-warning=SecurityWarning',
    '--allow-addons',
    ...(startsProcesses ? ['--allow-child-process'] : []),
    ...(support.deathSignal ? [] : ['--allow-worker']),
    ...withRealPaths(read).map((path) => `--allow-fs-read=${path}`),
    ...withRealPaths(written).map((path) => `--allow-fs-write=${path}`),
  ];
}

/** Node resolves modules to their real paths and opens files by the given ones, so both are allowed. */
function withRealPaths(paths: readonly string[]): string[] {
  const real = paths.flatMap((path) => {
    try {
      return [realpathSync(path)];
    } catch {
      return []; // does not exist
    }
  });
  return [...new Set([...paths, ...real])];
}

/** Only the variables a process needs, so no secrets of the user. TMPDIR lies in cwd and is removed with it. */
function childEnvironment({ compileCache, cwd, confinement }: ChildRequest): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'LANG', 'LD_LIBRARY_PATH'].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]] as const],
  );
  const sandboxed =
    confinement && (confinement.support.isolation !== 'none' || confinement.support.permissionFlag !== null);
  return {
    ...Object.fromEntries(kept),
    ...(sandboxed && { HOME: cwd }),
    TMPDIR: cwd,
    NODE_COMPILE_CACHE: compileCache,
    ...(confinement?.support.deathSignal ? {} : { [PARENT_VARIABLE]: String(process.pid) }),
    ...(confinement && { [MESSAGE_VARIABLE]: String(MESSAGE_DESCRIPTOR) }),
  };
}

/** Ends the child when files in its scratch folder and open deleted files together exceed the limits. */
function watchScratch(
  folder: string,
  parts: { readonly tree: ProcessTree; readonly most: ConfinementLimits; readonly end: (reason: Stop) => void },
): { stop(): void } {
  const { tree, most, end } = parts;
  let timer = setTimeout(look, SCRATCH_INTERVAL_MS);
  function look(): void {
    const startedMs = performance.now();
    const { files, bytes } = folderUse(folder, most.files);
    if (files > most.files) end({ ending: 'over-limit', excess: `left more than ${most.files} files in its folder` });
    else if (bytes + tree.namelessBytes() > most.scratchBytes)
      end({ ending: 'over-limit', excess: `wrote more than ${mebibytes(most.scratchBytes)} into its folder` });
    timer = setTimeout(look, Math.max(SCRATCH_INTERVAL_MS, SCRATCH_REST_RATIO * (performance.now() - startedMs)));
  }
  return { stop: () => clearTimeout(timer) };
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

interface Listener {
  readonly onBytes: (bytes: number) => void;
  readonly onMessage: (message: unknown) => void;
  /** Processor seconds, as the shell of the sandbox writes them last. The child could only add to them. */
  readonly onTimes: (seconds: number) => void;
}

/** A line of the shell's `times`: minutes and seconds of user and system time. */
const TIMES = /^(\d{1,6})m(\d{1,2}\.\d+)s (\d{1,6})m(\d{1,2}\.\d+)s$/;

/** Reads lines of JSON and of `times`; drops lines that are too long or neither. */
function readMessages(pipe: Readable, { onBytes, onMessage, onTimes }: Listener): void {
  let rest = '';
  pipe.on('error', () => {}); // the pipe is reset when the child is killed
  pipe.on('data', (chunk: Buffer) => {
    onBytes(chunk.byteLength);
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = (lines.pop() ?? '').slice(0, LONGEST_MESSAGE_BYTES);
    for (const line of lines) {
      if (line.length >= LONGEST_MESSAGE_BYTES) continue;
      const times = TIMES.exec(line);
      if (times) {
        const [userMinutes = 0, user = 0, systemMinutes = 0, system = 0] = times.slice(1).map(Number);
        onTimes(60 * (userMinutes + systemMinutes) + user + system);
        continue;
      }
      const message = parse(line);
      if (typeof message === 'object' && message !== null) onMessage(message);
    }
  });
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function closed(
  child: ChildProcess,
  tree: ProcessTree,
): Promise<{ exitCode: number | null; signalName: string | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode, signalName) => {
      // `close` does not come while a grandchild holds the output pipes, so wait for it for a second only.
      const settle = () => resolve({ exitCode, signalName });
      const rest = setTimeout(settle, 1000);
      child.once('close', () => {
        clearTimeout(rest);
        settle();
      });
      tree.kill();
    });
  });
}

/** Reads standard output and error to their end; keeps the last bytes of standard error. */
function keepTail(child: ChildProcess, onBytes: (bytes: number) => void): () => string {
  let kept = Buffer.alloc(0);
  child.stdout?.on('data', (chunk: Buffer) => onBytes(chunk.byteLength));
  child.stderr?.on('data', (chunk: Buffer) => {
    onBytes(chunk.byteLength);
    kept = Buffer.concat([kept, chunk]).subarray(-KEPT_OUTPUT_BYTES);
  });
  return () => kept.toString('utf8').trim();
}
