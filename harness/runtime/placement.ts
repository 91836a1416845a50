/**
 * Which provider ran each node, out of the profile onnxruntime wrote (Chrome trace events).
 * https://onnxruntime.ai/docs/performance/tune-performance/profiling-tools.html
 */
import { readFile } from 'node:fs/promises';
import { InputError } from '../contracts/errors.ts';
import type { Placement } from '../contracts/result.ts';

interface TraceEvent {
  readonly cat?: string;
  readonly name?: string;
  /** Microseconds. */
  readonly dur?: number;
  readonly args?: { readonly provider?: string; readonly op_name?: string; readonly node_index?: string };
}

/** Reads the file that Session.endProfiling() names. */
export async function readPlacement(profilePath: string): Promise<Placement> {
  return placementOf(await readFile(profilePath, 'utf8'), profilePath);
}

/** The same out of the profile's text; a node counts once, however often it ran. Throws InputError when there is none in it. */
export function placementOf(profile: string, where = 'profile'): Placement {
  const executed = nodeEvents(profile, where);
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

function nodeEvents(profile: string, where: string): TraceEvent[] {
  let events: unknown;
  try {
    events = JSON.parse(profile);
  } catch (error) {
    throw new InputError(`${where}: not JSON; call endProfiling() before reading the file`, { cause: error });
  }
  const executed = Array.isArray(events)
    ? events.filter((event: TraceEvent) => event.cat === 'Node' && event.args?.provider && event.args.op_name)
    : [];
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
