/**
 * Times GPTQ and SparseGPT on single layers (second moment, factor, sweep) against plain PyTorch on this machine:
 *   node scripts/bench-linear-algebra.ts --python path/to/python [--repeats 5]
 * Both get the same inputs, weights and thread count and take turns within each repeat; the best time of each counts. A
 * ratio above 1 means ShrinkRank is faster. Without --python only its own times are shown. Where other programs keep the
 * cores busy, pin it to one (`taskset -c 0 node …`: both then use one thread) and go by processor time.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { gram, matmul } from '../engine/runtime/linear-algebra.ts';
import { addLowerTriangle, mirrorLowerTriangle } from '../engine/runtime/statistics.ts';
import { createRandom } from '../numerics/tensor/random.ts';
import { sparsegptSweep } from '../methods/shared/solvers/sparsegpt-layer.ts';
import { gptqSweep } from '../methods/shared/solvers/gptq-layer.ts';
import { inverseFactor } from '../methods/shared/solvers/inverse-factor.ts';
import { dequantizeWeight } from '../methods/shared/formats/matmul-nbits.ts';
import type { Sparsity } from '../methods/shared/solvers/sparsity.ts';

const CALIBRATION_ROWS = 4096;
const BATCH_ROWS = 512;
/** Untimed runs of each task on the first shape, for both sides: with the many layers of a model, code is mostly compiled. */
const WARM_UP_RUNS = 8;
const DAMPING = 0.01;
const BLOCK_SIZE = 128;
const SHAPES = [
  { inFeatures: 768, outFeatures: 768 },
  { inFeatures: 3072, outFeatures: 768 },
  { inFeatures: 768, outFeatures: 3072 },
] as const;
const BITS = 4;
const GROUP_SIZE = 128;

interface Task {
  readonly name: string;
  readonly sparsity?: Sparsity;
  /** What is sent to the Python process. */
  readonly command: Readonly<Record<string, unknown>>;
}

const TASKS: readonly Task[] = [
  { name: 'GPTQ w4g128', command: { method: 'gptq', bits: BITS, groupSize: GROUP_SIZE } },
  {
    name: 'SparseGPT 50 %',
    sparsity: 0.5,
    command: { method: 'sparsegpt', sparsity: 0.5, prunen: 0, prunem: 0 },
  },
  {
    name: 'SparseGPT 2:4',
    sparsity: '2:4',
    command: { method: 'sparsegpt', sparsity: 0, prunen: 2, prunem: 4 },
  },
];

interface Times {
  readonly momentsMs: number;
  readonly factorMs: number;
  readonly sweepMs: number;
  /** Processor time of the whole, all threads. */
  readonly cpuMs: number;
}

interface Layer {
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** [CALIBRATION_ROWS, in] */
  readonly inputs: Float32Array;
  /** [in, out] */
  readonly weight: Float32Array;
}

/** Inputs share a few directions and differ in size, as activations do. */
function createLayer({ inFeatures, outFeatures }: { inFeatures: number; outFeatures: number }): Layer {
  const random = createRandom(`layer ${inFeatures}x${outFeatures}`);
  const shared = 64;
  const mixing = Float32Array.from({ length: shared * inFeatures }, () => random.normal());
  const sizes = Float32Array.from({ length: inFeatures }, () => Math.exp(0.5 * random.normal()));
  const inputs = new Float32Array(CALIBRATION_ROWS * inFeatures);
  for (let row = 0; row < CALIBRATION_ROWS; row++) {
    const x = inputs.subarray(row * inFeatures, (row + 1) * inFeatures);
    for (let k = 0; k < shared; k++) {
      const source = random.normal() / Math.sqrt(shared);
      for (let i = 0; i < inFeatures; i++) x[i]! += source * mixing[k * inFeatures + i]!;
    }
    for (let i = 0; i < inFeatures; i++) x[i] = sizes[i]! * (x[i]! + random.normal());
  }
  const weight = Float32Array.from({ length: inFeatures * outFeatures }, () => random.normal() / Math.sqrt(inFeatures));
  return { inFeatures, outFeatures, inputs, weight };
}

async function secondMoment({ inputs, inFeatures }: Layer): Promise<Float64Array> {
  const sum = new Float64Array(inFeatures * inFeatures);
  for (let row = 0; row < CALIBRATION_ROWS; row += BATCH_ROWS) {
    const batch = inputs.subarray(row * inFeatures, (row + BATCH_ROWS) * inFeatures);
    addLowerTriangle(sum, await gram(batch, BATCH_ROWS, inFeatures), inFeatures);
  }
  mirrorLowerTriangle(sum, inFeatures);
  return sum;
}

async function runOurs(layer: Layer, task: Task): Promise<{ times: Times; result: Float32Array }> {
  const { inFeatures, outFeatures, weight } = layer;
  const startedCpu = process.cpuUsage();
  const started = performance.now();
  const moment = await secondMoment(layer);
  const momentsDone = performance.now();
  const inverse = await inverseFactor(moment, { size: inFeatures, damping: DAMPING, where: task.name });
  const factorDone = performance.now();
  const shape = { weight, inFeatures, outFeatures };
  const format = { bits: BITS, symmetric: false, groupSize: GROUP_SIZE } as const;
  const { sparsity } = task;
  const result =
    sparsity === undefined
      ? await gptqSweep({ ...shape, ...format, ...inverse })
      : await sparsegptSweep({ ...shape, ...inverse, sparsity, blockSize: BLOCK_SIZE });
  const finished = performance.now();
  const cpu = process.cpuUsage(startedCpu);
  const times = {
    momentsMs: momentsDone - started,
    factorMs: factorDone - momentsDone,
    sweepMs: finished - factorDone,
    cpuMs: (cpu.user + cpu.system) / 1000,
  };
  return { times, result: result instanceof Float32Array ? result : dequantizeWeight(result) };
}

/** ‖X (W - result)‖² / ‖X W‖² over all calibration rows. */
async function relativeError(
  { inputs, weight, inFeatures, outFeatures }: Layer,
  result: Float32Array,
): Promise<number> {
  const shape = { rows: CALIBRATION_ROWS, inner: inFeatures, columns: outFeatures };
  const missed = await matmul({ left: inputs, right: weight.map((value, at) => value - result[at]!), ...shape });
  const whole = await matmul({ left: inputs, right: weight, ...shape });
  const energy = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
  return energy(missed) / energy(whole);
}

function startPython(path: string) {
  const child = spawn(path, [join(import.meta.dirname, 'bench-linear-algebra.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(command: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${path} ended; see its message above. It needs numpy and torch.`);
      return JSON.parse(value) as Record<string, unknown>;
    },
    async stop() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

function total({ momentsMs, factorMs, sweepMs }: Times): number {
  return momentsMs + factorMs + sweepMs;
}

function best(runs: readonly Times[]): Times {
  const fastest = runs.reduce((a, b) => (total(b) < total(a) ? b : a));
  return { ...fastest, cpuMs: Math.min(...runs.map(({ cpuMs }) => cpuMs)) };
}

function stages({ momentsMs, factorMs, sweepMs }: Times): string {
  return [momentsMs, factorMs, sweepMs].map((time) => time.toFixed(0)).join(' + ');
}

const { values: options } = parseArgs({
  options: { python: { type: 'string' }, repeats: { type: 'string', default: '5' } },
});
const threads = availableParallelism();
const folder = mkdtempSync(join(tmpdir(), 'bench-linear-algebra-'));
const python = options.python === undefined ? undefined : startPython(options.python);
const table = new Table({
  style: { head: [], border: [] },
  head: [
    'layer',
    'method',
    'ours ms',
    '= moments + factor + sweep',
    'torch ms',
    '=',
    'ratio',
    'ratio of processor time',
    'error ours',
    'error torch',
  ],
});
let versions = 'no --python given: ShrinkRank alone';
try {
  for (const shape of SHAPES) {
    const layer = createLayer(shape);
    const files = { inputs: join(folder, 'inputs'), weight: join(folder, 'weight'), result: join(folder, 'result') };
    writeFileSync(files.inputs, layer.inputs);
    writeFileSync(files.weight, layer.weight);
    const loaded = await python?.ask({ do: 'load', ...shape, ...files, threads });
    if (loaded) versions = `torch ${loaded.torch} with ${loaded.threads} threads`;
    const ask = (task: Task) =>
      python?.ask({ do: 'run', ...task.command, batchRows: BATCH_ROWS, result: files.result });
    if (shape === SHAPES[0]) {
      for (const task of TASKS) {
        for (let run = 0; run < WARM_UP_RUNS; run++) {
          await runOurs(layer, task);
          await ask(task);
        }
      }
    }
    for (const task of TASKS) {
      const ours: Times[] = [];
      const theirs: Times[] = [];
      let result = new Float32Array();
      for (let repeat = 0; repeat < Number(options.repeats); repeat++) {
        const run = await runOurs(layer, task);
        ours.push(run.times);
        result = run.result as typeof result;
        const answer = await ask(task);
        if (answer) theirs.push(answer as unknown as Times);
      }
      const error = (await relativeError(layer, result)).toExponential(3);
      const name = `${shape.inFeatures} → ${shape.outFeatures}`;
      const own = best(ours);
      const row = [name, task.name, total(own).toFixed(0), stages(own)];
      if (theirs.length > 0) {
        const bytes = readFileSync(files.result);
        const theirResult = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
        const other = best(theirs);
        const ratios = [total(other) / total(own), other.cpuMs / own.cpuMs].map((ratio) => ratio.toFixed(2));
        const theirError = (await relativeError(layer, theirResult)).toExponential(3);
        row.push(total(other).toFixed(0), stages(other), ...ratios, error, theirError);
      } else row.push('', '', '', '', error, '');
      console.error(row.join('  '));
      table.push(row);
    }
  }
} finally {
  await python?.stop();
  rmSync(folder, { recursive: true });
}
console.log(`${CALIBRATION_ROWS} calibration rows, best of ${options.repeats}, ${threads} threads; ${versions}`);
console.log(table.toString());
