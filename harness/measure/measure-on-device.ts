/** What a measurement on a device adds to one on the CPU: placement of nodes, time of copies, memory, energy. */
import { UnsupportedError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { DeviceFigures } from '../../contracts/result.ts';
import type { DeviceProvider } from '../../contracts/runner.ts';
import { type DevicePlacement, readDevicePlacement } from '../../engine/runtime/device-placement.ts';
import { keepsOutputs } from '../../engine/runtime/device-tensor.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { probeTokens, tokenFeeds } from '../../engine/runtime/token-feeds.ts';
import { measureCopies } from './device-copy.ts';
import { canMeasureEnergy, measureJoulesPerCall } from './device-energy.ts';
import { fencedCall } from './fenced-call.ts';
import type { MeasurementTask } from './measurement-task.ts';
import { profiledRun } from './profiled-run.ts';
import type { MemoryGrowth } from './resident-memory.ts';
import { copyingCall } from './timed-call.ts';

type DeviceTask = MeasurementTask & { readonly provider: DeviceProvider };

/** Matrix products, which take most of a language model's time; on the CPU they would not measure the device. */
const PRODUCTS = /MatMul|Gemm|Einsum|Conv|Attention/;

/**
 * Placement at the last shape, where the device has most to do. Throws UnsupportedError when products of matrices ran on the
 * CPU.
 */
export async function placeOnDevice(task: DeviceTask): Promise<DevicePlacement> {
  const { candidate, provider, vocabularySize } = task;
  const run = { model: candidate, provider, vocabularySize, ...largestShape(task) };
  const placed = await profiledRun({ ...run, runs: PROTOCOL.device.placementWarmUpRuns + 1 }, readDevicePlacement);
  const products = [...placed.strayed].filter(([operator]) => PRODUCTS.test(operator));
  if (products.length > 0) {
    throw new UnsupportedError(
      `${provider} has no kernel for ${listed(products)}: on this provider they would run on the CPU, and the row would not ` +
        'be one of the device; choose a variant with other kernels, or another runner',
    );
  }
  return placed;
}

function largestShape({ contextLength }: DeviceTask): { readonly batch: number; readonly sequence: number } {
  const { batch, sequence } = PROTOCOL.latency.shapes[1];
  return { batch, sequence: Math.min(sequence, contextLength) };
}

/** Puts together what is known of a row of a device besides its latency. */
export async function deviceFigures(
  task: DeviceTask,
  known: { readonly placed: DevicePlacement; readonly memory: MemoryGrowth; readonly denseMemory: MemoryGrowth },
): Promise<Omit<DeviceFigures, 'quality'>> {
  const { placed, memory, denseMemory } = known;
  const counted = await canMeasureEnergy();
  return {
    findings: placementFindings(task.provider, placed),
    timeBasis: placed.timeBasis,
    outputsKept: keepsOutputs(task.provider),
    copyMs: await measureCopies(task),
    memoryBytes: memory.deviceBytes,
    denseMemoryBytes: denseMemory.deviceBytes,
    joulesPerCall: counted ? await joulesOf(task, task.candidate) : null,
    denseJoulesPerCall: counted ? await joulesOf(task, task.dense) : null,
  };
}

export function placementFindings(
  provider: DeviceProvider,
  { placement, strayed }: Pick<DevicePlacement, 'placement' | 'strayed'>,
): string[] {
  const cpuShare = placement.timeShare['CPUExecutionProvider'] ?? 0;
  const findings: string[] = [];
  if (strayed.size > 0) findings.push(`ran on the CPU, for want of a kernel of ${provider}: ${listed([...strayed])}`);
  if (cpuShare > PROTOCOL.device.mostCpuShare) {
    findings.push(
      `${Math.round(100 * cpuShare)} % of the run's time was in kernels of the CPU: no row of ${provider}, no rank among speeds`,
    );
  }
  return findings;
}

/** `MatMulInteger (14 nodes), DynamicQuantizeLinear (8 nodes)` */
function listed(operators: readonly (readonly [string, number])[]): string {
  return operators.map(([operator, nodes]) => `${operator} (${nodes} ${nodes === 1 ? 'node' : 'nodes'})`).join(', ');
}

async function joulesOf(task: DeviceTask, model: string): Promise<number | null> {
  const { provider, vocabularySize } = task;
  const kept = keepsOutputs(provider);
  const { threads } = PROTOCOL.latency;
  const session = await createSession(model, { provider, threads, ...(kept && { outputLocation: 'device' }) });
  try {
    const feeds = tokenFeeds(session.inputs, probeTokens({ vocabularySize, ...largestShape(task) }));
    if (!kept) return await measureJoulesPerCall(await copyingCall(session, feeds), PROTOCOL.device.energySeconds);
    const { call, fence } = await fencedCall(session, feeds);
    try {
      return await measureJoulesPerCall(call, PROTOCOL.device.energySeconds);
    } finally {
      await fence.release();
    }
  } finally {
    await session.release();
  }
}
