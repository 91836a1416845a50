/**
 * A process and everything it started, found in /proc: the group it leads, its descendants, processes seen in either before
 * that have left both, and on kill those with its folder in their environment. A process that evades all of these survives,
 * unless it runs in a PID namespace, where the kernel ends all processes with the first.
 */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { CLOCK_TICKS_PER_SECOND, readProcessStat } from './process-stat.ts';

export interface TreeUsage {
  /** Sum of the resident sets. */
  readonly memoryBytes: number;
  /** Of all processes since the first started, ended ones and those of the sandbox included; see processorSeconds. */
  readonly cpuSeconds: number;
  readonly processes: number;
  readonly pids: readonly number[];
}

export interface ProcessTree {
  /** Undefined outside Linux. */
  usage(): TreeUsage | undefined;
  /** Bytes of files that are open but deleted. */
  namelessBytes(): number;
  kill(): void;
}

const PAGE_BYTES = 4096;
const BLOCK_BYTES = 512;
/** Killing is repeated, since a process may start another just before it dies. */
const MOST_ROUNDS = 20;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Ended, but not yet waited for. */
  readonly ended: boolean;
  readonly ticks: number;
  readonly childTicks: number;
  readonly start: number;
  readonly memoryBytes: number;
}

export interface ProcessTreeOptions {
  /** Generations at the top that belong to the sandbox and do not count as usage; 0 without a sandbox. */
  readonly outer: number;
  /** Text found only in the environment of the process and of what it started. */
  readonly mark?: string;
}

export function createProcessTree(root: number, { outer, mark }: ProcessTreeOptions): ProcessTree {
  /** Start time by process id, since ids are reused. */
  const seen = new Map<number, number>();
  /** Largest processor time seen of each process, by process id and start time. */
  const ticksOf = new Map<string, number>();
  let mostTicks = 0;

  /** @returns the processes that run, without those of the sandbox. */
  function members(): Process[] {
    return running(tree());
  }

  function running({ found, generation }: ReturnType<typeof tree>): Process[] {
    return found.filter(({ pid, ended }) => !ended && (generation.get(pid) ?? 0) >= outer);
  }

  /**
   * What ended counts in either of two ways, and the larger sum is taken: by the process that waited for it, which misses
   * children of processes that ignore SIGCHLD, or as last seen, which misses what ends between two looks.
   */
  function processorSeconds(found: readonly Process[]): number {
    for (const { pid, start, ticks } of found) ticksOf.set(`${pid} ${start}`, ticks);
    const asSeen = ticksOf.values().reduce((sum, ticks) => sum + ticks, 0);
    const asWaitedFor = found.reduce((sum, { ticks, childTicks }) => sum + ticks + childTicks, 0);
    mostTicks = Math.max(mostTicks, asSeen, asWaitedFor);
    return mostTicks / CLOCK_TICKS_PER_SECOND;
  }

  function tree(): { readonly found: readonly Process[]; readonly generation: ReadonlyMap<number, number> } {
    const all = listProcesses();
    const generation = new Map<number, number>([[root, 0]]);
    const children = Map.groupBy(all, ({ parent }) => parent);
    const pending = [root];
    for (const process of all) {
      if (process.pid === root || (process.group !== root && seen.get(process.pid) !== process.start)) continue;
      generation.set(process.pid, Infinity);
      pending.push(process.pid);
    }
    for (let pid = pending.shift(); pid !== undefined; pid = pending.shift()) {
      for (const child of children.get(pid) ?? []) {
        const found = generation.get(child.pid);
        const next = (generation.get(pid) ?? 0) + 1;
        if (found !== undefined && found <= next) continue;
        generation.set(child.pid, next);
        pending.push(child.pid);
      }
    }
    const found = all.filter(({ pid }) => generation.has(pid));
    for (const { pid, start } of found) seen.set(pid, start);
    return { found, generation };
  }

  return {
    usage() {
      if (process.platform !== 'linux') return undefined;
      const all = tree();
      const live = running(all);
      return {
        memoryBytes: live.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
        cpuSeconds: processorSeconds(all.found),
        processes: live.length,
        pids: live.map(({ pid }) => pid),
      };
    },
    namelessBytes: () => (process.platform === 'linux' ? namelessBytesOf(members()) : 0),
    kill() {
      send(-root);
      if (process.platform !== 'linux') return;
      for (let round = 0; round < MOST_ROUNDS; round++) {
        const left = new Set(members().map(({ pid }) => pid));
        if (mark !== undefined) for (const pid of carriersOf(mark)) left.add(pid);
        left.delete(root);
        if (left.size === 0) return;
        for (const pid of left) send(pid);
      }
    },
  };
}

function send(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Processes whose environment contains the mark. */
function carriersOf(mark: string): number[] {
  return listProcesses().flatMap(({ pid }) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark) ? [pid] : [];
    } catch {
      return []; // ended meanwhile, or belongs to another user
    }
  });
}

function listProcesses(): Process[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    const pid = Number(entry);
    const stat = readProcessStat(pid);
    if (!stat) return [];
    const { state, parent, group, ticks, childTicks, start, pages } = stat;
    return [{ pid, parent, group, ended: state === 'Z', ticks, childTicks, start, memoryBytes: pages * PAGE_BYTES }];
  });
}

function namelessBytesOf(processes: readonly Process[]): number {
  const bytes = new Map<string, number>();
  for (const { pid } of processes) {
    const folder = `/proc/${pid}/fd`;
    try {
      for (const entry of readdirSync(folder)) {
        const found = statSync(`${folder}/${entry}`, { throwIfNoEntry: false });
        if (found?.isFile() && found.nlink === 0) bytes.set(`${found.dev} ${found.ino}`, found.blocks * BLOCK_BYTES);
      }
    } catch {
      // Ended meanwhile, or belongs to another user.
    }
  }
  return [...bytes.values()].reduce((sum, value) => sum + value, 0);
}
