/**
 * Energy of calls on an NVIDIA device: its power, sampled by nvidia-smi while one call follows the other, times the time they
 * take. It is the power of the whole board, idle power and other work on it included.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { nvidiaDevices } from '../../engine/runtime/nvidia-smi.ts';
import { mean } from '../../numerics/statistics/statistics.ts';

const SAMPLE_INTERVAL_MS = 100;
/** Fewest samples for a mean. */
const LEAST_SAMPLES = 10;
const COMMAND = ['--query-gpu=power.draw', '--format=csv,noheader,nounits', `--loop-ms=${SAMPLE_INTERVAL_MS}`] as const;

/** False without nvidia-smi, or with several devices, since it is unknown which one runs. */
export async function canMeasureEnergy(): Promise<boolean> {
  return (await nvidiaDevices()).length === 1;
}

/** Call only where canMeasureEnergy(). Null when nvidia-smi reports no power. */
export async function measureJoulesPerCall(call: () => Promise<unknown>, seconds: number): Promise<number | null> {
  const sampler = spawn('nvidia-smi', [...COMMAND], { stdio: ['ignore', 'pipe', 'ignore'] });
  const output: string[] = [];
  sampler.stdout.on('data', (chunk: Buffer) => void output.push(chunk.toString('utf8')));
  try {
    await once(sampler, 'spawn');
    // Wait for its first line, so that sampling covers the calls.
    for (let waited = 0; output.length === 0 && waited < 50; waited++) await wait(SAMPLE_INTERVAL_MS);
    output.length = 0;
    let calls = 0;
    const start = performance.now();
    for (; performance.now() - start < seconds * 1000; calls++) {
      await call();
      // A call blocks this thread; yield so that the sampler's output is read.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const wallSeconds = (performance.now() - start) / 1000;
    await wait(SAMPLE_INTERVAL_MS);
    const watts = powersOf(output.join(''));
    return watts.length < LEAST_SAMPLES ? null : (mean(watts) * wallSeconds) / calls;
  } finally {
    sampler.kill();
  }
}

/** Watts, one per line; lines that are not numbers, such as `[N/A]`, are left out. */
export function powersOf(output: string): number[] {
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => Number.parseFloat(line))
    .filter((watts) => Number.isFinite(watts));
}
