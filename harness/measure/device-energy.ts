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
/** Fewer say nothing of the mean. */
const LEAST_SAMPLES = 10;
const COMMAND = ['--query-gpu=power.draw', '--format=csv,noheader,nounits', `--loop-ms=${SAMPLE_INTERVAL_MS}`] as const;

/** False where there is no nvidia-smi, or several devices of which any may be the one that runs. */
export async function canMeasureEnergy(): Promise<boolean> {
  return (await nvidiaDevices()).length === 1;
}

/** Where canMeasureEnergy(). Null where no power is told. */
export async function measureJoulesPerCall(call: () => Promise<unknown>, seconds: number): Promise<number | null> {
  const sampler = spawn('nvidia-smi', [...COMMAND], { stdio: ['ignore', 'pipe', 'ignore'] });
  const output: string[] = [];
  sampler.stdout.on('data', (chunk: Buffer) => void output.push(chunk.toString('utf8')));
  try {
    await once(sampler, 'spawn');
    // Its first line comes late; the power of the calls starts with them.
    for (let waited = 0; output.length === 0 && waited < 50; waited++) await wait(SAMPLE_INTERVAL_MS);
    output.length = 0;
    let calls = 0;
    const start = performance.now();
    for (; performance.now() - start < seconds * 1000; calls++) {
      await call();
      // Lets the sampler's output through: a call blocks this thread.
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

/** Watts, one per line; what is no number, as `[N/A]`, is left out. */
export function powersOf(output: string): number[] {
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => Number.parseFloat(line))
    .filter((watts) => Number.isFinite(watts));
}
