/**
 * Which provider ran each node, from the profile onnxruntime wrote (Chrome trace events).
 * https://onnxruntime.ai/docs/performance/tune-performance/profiling-tools.html
 */
import { readFile } from 'node:fs/promises';
import { InputError } from '../../contracts/errors.ts';
import type { Placement } from '../../contracts/result.ts';

export interface TraceEvent {
  readonly cat?: string;
  readonly name?: string;
  /** Start and length, microseconds. */
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: {
    readonly provider?: string;
    readonly op_name?: string;
    readonly node_index?: string;
    /** One per output: element type to dimensions. */
    readonly output_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
  };
}

/** Reads the file that Session.endProfiling() names. */
export async function readPlacement(profilePath: string): Promise<Placement> {
  return placementOf(await readFile(profilePath, 'utf8'), profilePath);
}

/**
 * Same, from the profile's text; a node counts once, however often it ran. Throws InputError when it contains no node.
 */
export function placementOf(profile: string, where = 'profile'): Placement {
  return placementOfNodes(nodeEvents(traceEvents(profile, where), where));
}

export function placementOfNodes(executed: readonly TraceEvent[]): Placement {
  const nodes = new Map<string, Set<string>>();
  const operators = new Map<string, Set<string>>();
  const microseconds = new Map<string, number>();
  for (const { name = '', dur = 0, args } of executed) {
    const { provider = '', op_name: operator = '', node_index: index = '' } = args ?? {};
    const identity = `${index} ${name}`;
    remember(nodes, provider, identity);
    remember(operators, operator, identity);
    microseconds.set(provider, (microseconds.get(provider) ?? 0) + dur);
  }
  const total = [...microseconds.values()].reduce((sum, time) => sum + time, 0);
  return {
    nodes: counts(nodes),
    timeShare: Object.fromEntries(
      [...microseconds].sort().map(([provider, time]) => [provider, total === 0 ? 0 : time / total]),
    ),
    operators: counts(operators),
  };
}

/** Throws InputError for text that is not a profile. */
export function traceEvents(profile: string, where: string): readonly TraceEvent[] {
  try {
    const events: unknown = JSON.parse(profile);
    return Array.isArray(events) ? events : [];
  } catch (error) {
    throw new InputError(`${where}: not JSON; call endProfiling() before reading the file`, { cause: error });
  }
}

/** Executed nodes. Throws InputError when there are none. */
export function nodeEvents(events: readonly TraceEvent[], where: string): readonly TraceEvent[] {
  const executed = events.filter(({ cat, args }) => cat === 'Node' && args?.provider && args.op_name);
  if (executed.length === 0)
    throw new InputError(`${where}: no node was executed; run the session before endProfiling()`);
  return executed;
}

function remember(groups: Map<string, Set<string>>, key: string, identity: string): void {
  const group = groups.get(key) ?? new Set<string>();
  groups.set(key, group.add(identity));
}

function counts(groups: ReadonlyMap<string, ReadonlySet<string>>): Record<string, number> {
  return Object.fromEntries([...groups].sort().map(([key, identities]): [string, number] => [key, identities.size]));
}
