/**
 * Runs one piece of work in a process of its own, under limits of time and memory, and says how it ended. The child
 * leads a process group, so that ending it ends whatever it started; it ends itself when this process dies.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { PARENT_VARIABLE } from './watch-parent.ts';

export interface ChildRequest {
  /** Absolute path of the module to run. */
  readonly entry: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Where compiled modules are kept for the next child: parsing them costs more than most trials. */
  readonly compileCache: string;
  readonly timeoutSeconds: number;
  /** Largest resident set of the child and its descendants together. */
  readonly memoryBytes: number;
  readonly signal?: AbortSignal;
  /** Messages the child sends by process.send. */
  readonly onMessage?: (message: unknown) => void;
}

export interface ChildUsage {
  readonly wallSeconds: number;
  /** As last sampled; null when the child was gone before the first sample. */
  readonly cpuSeconds: number | null;
  readonly peakMemoryBytes: number;
}

/**
 * `killed`: by a signal nobody here sent, as the kernel or a person does: the piece is worth another try. `crashed`: by a
 * signal of its own making, such as a wrong memory access. `exited` covers every exit code; standard error says more.
 */
export type ChildOutcome = ChildUsage &
  (
    | { readonly ending: 'exited'; readonly exitCode: number; readonly errorOutput: string }
    | { readonly ending: 'killed' | 'crashed'; readonly signalName: string; readonly errorOutput: string }
    | { readonly ending: 'timeout' | 'out-of-memory' | 'aborted' }
  );

const SAMPLE_INTERVAL_MS = 50;
/** Enough for a stack trace; a child that prints a gigabyte fills no memory here. */
const KEPT_OUTPUT_BYTES = 16_384;
/** What V8 and the C++ library print when they are out of memory before our limit is reached. */
const OUT_OF_MEMORY_OUTPUT = /heap out of memory|Array buffer allocation failed|bad_alloc|Cannot allocate memory/i;
const CRASHES = new Set(['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSEGV', 'SIGSYS', 'SIGTRAP']);
const PAGE_BYTES = 4096;
const CLOCK_TICKS_PER_SECOND = 100;

export async function runChild(request: ChildRequest): Promise<ChildOutcome> {
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [
      // A JavaScript heap up to the limit: V8's own default may be lower, and its abort is told apart below.
      `--max-old-space-size=${Math.ceil(request.memoryBytes / 2 ** 20)}`,
      '--disable-warning=ExperimentalWarning',
      request.entry,
      ...request.args,
    ],
    {
      cwd: request.cwd,
      env: childEnvironment(request),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
    },
  );
  const output = keepTail(child);
  if (request.onMessage) child.on('message', request.onMessage);

  let ended: 'timeout' | 'out-of-memory' | 'aborted' | undefined;
  let cpuSeconds: number | null = null;
  let peakMemoryBytes = 0;

  function end(reason: 'timeout' | 'out-of-memory' | 'aborted'): void {
    ended ??= reason;
    killGroup(child);
  }
  const sampler = setInterval(() => {
    const usage = groupUsage(child.pid);
    if (!usage) return;
    cpuSeconds = Math.max(cpuSeconds ?? 0, usage.cpuSeconds);
    peakMemoryBytes = Math.max(peakMemoryBytes, usage.memoryBytes);
    if (usage.memoryBytes > request.memoryBytes) end('out-of-memory');
  }, SAMPLE_INTERVAL_MS);
  const timer = setTimeout(() => end('timeout'), request.timeoutSeconds * 1000);
  const onAbort = () => end('aborted');
  request.signal?.addEventListener('abort', onAbort);
  if (request.signal?.aborted) onAbort();

  try {
    const { exitCode, signalName } = await closed(child);
    killGroup(child);
    const usage = { wallSeconds: (performance.now() - startedAt) / 1000, cpuSeconds, peakMemoryBytes };
    if (ended) return { ...usage, ending: ended };
    const errorOutput = output();
    if (exitCode !== 0 && OUT_OF_MEMORY_OUTPUT.test(errorOutput)) return { ...usage, ending: 'out-of-memory' };
    if (signalName !== null) {
      return { ...usage, ending: CRASHES.has(signalName) ? 'crashed' : 'killed', signalName, errorOutput };
    }
    return { ...usage, ending: 'exited', exitCode: exitCode ?? 0, errorOutput };
  } finally {
    clearInterval(sampler);
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', onAbort);
  }
}

/** What a process needs to run, and nothing a person keeps in their environment. What it leaves in its TMPDIR goes with cwd. */
function childEnvironment({ compileCache, cwd }: ChildRequest): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'LANG', 'LD_LIBRARY_PATH'].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]] as const],
  );
  return {
    ...Object.fromEntries(kept),
    TMPDIR: cwd,
    NODE_COMPILE_CACHE: compileCache,
    [PARENT_VARIABLE]: String(process.pid),
  };
}

function closed(child: ChildProcess): Promise<{ exitCode: number | null; signalName: string | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode, signalName) => {
      // Output pipes stay open when a grandchild holds them, so the exit is not the close: wait a moment for the rest.
      const settle = () => resolve({ exitCode, signalName });
      const rest = setTimeout(settle, 1000);
      child.once('close', () => {
        clearTimeout(rest);
        settle();
      });
      killGroup(child);
    });
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Drains standard output and error and keeps the end of the latter. */
function keepTail(child: ChildProcess): () => string {
  let kept = Buffer.alloc(0);
  child.stdout?.resume();
  child.stderr?.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-KEPT_OUTPUT_BYTES);
  });
  return () => kept.toString('utf8').trim();
}

/** Memory and processor time of all processes of the group `pid` leads; undefined where /proc does not tell. */
function groupUsage(pid: number | undefined): { memoryBytes: number; cpuSeconds: number } | undefined {
  if (pid === undefined || process.platform !== 'linux') return undefined;
  let memoryBytes = 0;
  let ticks = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const fields = readStat(entry);
    // Fields after the command, https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: 5 group, 14 and 15 times, 24 pages.
    if (!fields || Number(fields[2]) !== pid) continue;
    ticks += Number(fields[11]) + Number(fields[12]);
    memoryBytes += Number(fields[21]) * PAGE_BYTES;
  }
  return { memoryBytes, cpuSeconds: ticks / CLOCK_TICKS_PER_SECOND };
}

function readStat(pid: string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined; // ended between the listing and the reading
  }
}
