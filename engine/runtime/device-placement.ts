/**
 * Where the nodes of a run on a device were executed, and for how long: the last run of a profile; earlier ones are its
 * warm-up. A device's kernels return before they finish, so their profile events do not contain their time. WebGPU
 * writes the device's own timestamps (category `Api`); for other devices it is the time of the run that the CPU's
 * kernels leave.
 */
import { readFile } from 'node:fs/promises';
import type { DeviceFigures, Placement } from '../../contracts/result.ts';
import { type TraceEvent, nodeEvents, placementOfNodes, traceEvents } from './placement.ts';

export interface DevicePlacement {
  readonly placement: Placement;
  readonly timeBasis: DeviceFigures['timeBasis'];
  /** Nodes that ran on the CPU and compute more than indices or masks, by operator. */
  readonly strayed: ReadonlyMap<string, number>;
}

const CPU = 'CPUExecutionProvider';
/** Control-flow operators: their time is that of the nodes inside them. */
const CONTROL: ReadonlySet<string> = new Set(['Loop', 'If', 'Scan']);
/**
 * Shapes, positions and masks: onnxruntime keeps these on the CPU on purpose, since they control what the device runs.
 */
const INDEX_TYPES: ReadonlySet<string> = new Set(['int64', 'bool']);

/** Reads the file that Session.endProfiling() names. */
export async function readDevicePlacement(profilePath: string): Promise<DevicePlacement> {
  return devicePlacementOf(await readFile(profilePath, 'utf8'), profilePath);
}

/** Same, from the profile's text. Throws InputError when it contains no run. */
export function devicePlacementOf(profile: string, where = 'profile'): DevicePlacement {
  const events = traceEvents(profile, where);
  const run = events.findLast(({ name }) => name === 'model_run');
  const start = run?.ts ?? 0;
  const ofRun = events.filter(({ ts = 0 }) => ts >= start);
  const nodes = nodeEvents(ofRun, where);
  const onCpu = nodes.filter(({ args }) => args?.provider === CPU && !CONTROL.has(args.op_name ?? ''));
  const device = nodes.find(({ args }) => args?.provider !== CPU)?.args?.provider;
  const stamps = ofRun.filter(({ cat }) => cat === 'Api');
  const cpuTime = total(onCpu);
  const deviceTime = stamps.length > 0 ? total(stamps) : Math.max(0, (run?.dur ?? 0) - cpuTime);
  const placement = placementOfNodes(nodes);
  const strayed = new Map<string, number>();
  for (const { args } of onCpu.filter(isComputation)) {
    const operator = args?.op_name ?? '';
    strayed.set(operator, (strayed.get(operator) ?? 0) + 1);
  }
  return {
    placement: {
      ...placement,
      timeShare:
        device === undefined
          ? placement.timeShare
          : Object.fromEntries(
              [[CPU, cpuTime] as const, [device, deviceTime] as const]
                .filter(([provider]) => placement.nodes[provider] !== undefined)
                .map(([provider, time]) => [provider, cpuTime + deviceTime === 0 ? 0 : time / (cpuTime + deviceTime)]),
            ),
    },
    timeBasis: stamps.length > 0 ? 'device-clock' : 'run-time',
    strayed,
  };
}

function isComputation({ args }: TraceEvent): boolean {
  const types = (args?.output_type_shape ?? []).flatMap((output) => Object.keys(output));
  return types.some((type) => !INDEX_TYPES.has(type));
}

function total(events: readonly TraceEvent[]): number {
  return events.reduce((sum, { dur = 0 }) => sum + dur, 0);
}
