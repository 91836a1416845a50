/**
 * Tokens per second of training against PyTorch eager on this machine's CPU:
 *   node scripts/bench-training.ts --python path/to/python [--repeats 5] [--threads 2] [--profile]
 * Both train the same GPT-style decoder (4 layers, pre-LayerNorm, GELU, learned positions, biases, tied output layer) with
 * AdamW and clipping on batches of the same shape; PyTorch with fused attention and one matrix for q, k and v. They take
 * turns; the best time of each counts. It also prints the speed of one large matrix product, in onnxruntime and in PyTorch, and the ratio
 * that a step of nothing but its matrix products would reach at that speed. --profile lists the time by operator instead, --nodes 40
 * the slowest nodes too.
 */
import { present } from '../contracts/present.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { createGraphBuilder } from '../numerics/onnx/builder.ts';
import type { OnnxModel } from '../numerics/onnx/graph.ts';
import { createSession } from '../engine/runtime/session.ts';
import { createRandom } from '../numerics/tensor/random.ts';
import { tensorOf } from '../numerics/tensor/tensor.ts';
import { nextTokenCrossEntropy } from '../engine/training/loss.ts';
import { adamW } from '../engine/training/optimizer.ts';
import { constantSchedule } from '../engine/training/schedule.ts';
import { train } from '../engine/training/train.ts';
import { buildDecoder, decoderBatches, type DecoderShape } from './training-decoder.ts';

const SHAPES: readonly DecoderShape[] = [128, 512].map((width) => ({
  layers: 4,
  width,
  heads: width / 64 > 4 ? width / 64 : 4,
  vocabularySize: 1024,
  batch: 8,
  sequence: 128,
}));
const LEARNING_RATE = 1e-3;
/** Side of the square matrices that show the peak speed of the processor. */
const CEILING_SIDE = 1024;
const CEILING_REPEATS = 20;
const PROFILED_STEPS = 24;
const PRODUCTS: ReadonlySet<string> = new Set(['MatMul', 'FusedMatMul', 'Gemm']);
/** Operators below this share of the time are left out of the profile's table. */
const SHOWN_SHARE = 0.005;

/** Floating-point operations of a step's matrix products: forward, and twice as many for the gradients. */
function productFlops({ layers, width, vocabularySize, batch, sequence }: DecoderShape): number {
  const weights = layers * 12 * width ** 2 + vocabularySize * width;
  const attention = layers * 2 * sequence * width;
  return 3 * 2 * batch * sequence * (weights + attention);
}

/** GFLOP/s of one large product in onnxruntime, the fastest of several. */
async function productSpeed(threads: number): Promise<number> {
  const dims = [CEILING_SIDE, CEILING_SIDE];
  const b = createGraphBuilder({ name: 'product', opset: 21 });
  b.output(b.matmul(b.input('a', 'float32', dims), b.input('b', 'float32', dims), { output: 'c' }), {
    dtype: 'float32',
    dims,
  });
  const session = await createSession(b.build(), { threads });
  const random = createRandom('bench-training product');
  const matrix = () =>
    tensorOf(
      'float32',
      dims,
      Float32Array.from({ length: CEILING_SIDE ** 2 }, () => random.normal()),
    );
  const feeds = { a: matrix(), b: matrix() };
  let bestMs = Infinity;
  for (let repeat = 0; repeat < CEILING_REPEATS; repeat++) {
    const startedMs = performance.now();
    await session.run(feeds);
    bestMs = Math.min(bestMs, performance.now() - startedMs);
  }
  await session.release();
  return (2 * CEILING_SIDE ** 3) / bestMs / 1e6;
}

interface TorchAnswer {
  readonly ms: number;
  readonly cpuMs: number;
  readonly version: string;
}

/** Milliseconds per step: the fastest of the calls after the first, which warms up. */
async function runOurs(
  shape: DecoderShape,
  {
    model,
    steps,
    threads,
    profilePrefix,
  }: { model: OnnxModel; steps: number; threads: number; profilePrefix?: string },
) {
  const calls: number[] = [];
  const cpuCalls: number[] = [];
  let before = performance.now();
  let cpuBefore = process.cpuUsage();
  let seen = 0;
  const { history } = await train({
    model,
    loss: nextTokenCrossEntropy(),
    feeds: [decoderBatches(shape)],
    optimizer: adamW(),
    schedule: constantSchedule(LEARNING_RATE),
    steps,
    threads,
    ...(profilePrefix !== undefined && { profilePrefix }),
    onProgress({ step }) {
      const now = performance.now();
      calls.push((now - before) / (step - seen));
      const cpu = process.cpuUsage(cpuBefore);
      cpuCalls.push((cpu.user + cpu.system) / 1000 / (step - seen));
      [before, seen, cpuBefore] = [now, step, process.cpuUsage()];
    },
  });
  return {
    ms: Math.min(...calls.slice(1)),
    cpuMs: Math.min(...cpuCalls.slice(1)),
    loss: present(history.loss.at(-1), 'last of history.loss'),
  };
}

function startPython(path: string) {
  const child = spawn(path, [join(import.meta.dirname, 'bench-training.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask<T>(command: object): Promise<T> {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${path} ended; see its message above. It needs torch.`);
      return JSON.parse(value) as T;
    },
    async stop() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** Share of the kernels' time by operator. */
async function profile(shape: DecoderShape, { threads, nodesShown }: { threads: number; nodesShown: number }) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-training-'));
  try {
    const profilePrefix = join(folder, 'profile');
    await runOurs(shape, { model: buildDecoder(shape), steps: PROFILED_STEPS, threads, profilePrefix });
    const file = present(readdirSync(folder)[0], 'readdirSync(folder)[0]');
    const events = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
      cat?: string;
      name?: string;
      dur?: number;
      args?: { op_name?: string };
    }[];
    // The fastest iteration of each node: other programs on the machine can only slow it down.
    const fastest = new Map<string, { operator: string; ms: number }>();
    for (const { cat, name = '', dur = 0, args } of events) {
      const operator = args?.op_name;
      if (cat !== 'Node' || operator === undefined || operator === 'Loop' || !name.endsWith('_kernel_time')) continue;
      const node = name.replace('_kernel_time', '');
      const ms = Math.min(dur / 1000, fastest.get(node)?.ms ?? Infinity);
      fastest.set(node, { operator, ms });
    }
    const byOperator = new Map<string, { ms: number; nodes: number }>();
    let total = 0;
    for (const { operator, ms } of fastest.values()) {
      const entry = byOperator.get(operator) ?? { ms: 0, nodes: 0 };
      byOperator.set(operator, { ms: entry.ms + ms, nodes: entry.nodes + 1 });
      total += ms;
    }
    const table = new Table({ style: { head: [], border: [] }, head: ['operator', 'ms per step', 'share', 'nodes'] });
    for (const [name, { ms, nodes }] of [...byOperator].sort((a, b) => b[1].ms - a[1].ms)) {
      if (ms >= SHOWN_SHARE * total) table.push([name, ms.toFixed(2), `${((100 * ms) / total).toFixed(1)} %`, nodes]);
    }
    const products = [...byOperator].reduce((sum, [name, { ms }]) => (PRODUCTS.has(name) ? sum + ms : sum), 0);
    console.log(
      `width ${shape.width}: ${total.toFixed(1)} ms per step in ${fastest.size} kernels; matrix products take ${products.toFixed(1)} ms ` +
        `of it at ${(productFlops(shape) / products / 1e6).toFixed(0)} GFLOP/s, one product of ${CEILING_SIDE}³ runs at ` +
        `${(await productSpeed(threads)).toFixed(0)}`,
    );
    console.log(table.toString());
    const slowest = [...fastest].sort((a, b) => b[1].ms - a[1].ms).slice(0, nodesShown);
    for (const [node, { operator, ms }] of slowest) console.log(`${ms.toFixed(3)} ms  ${operator}  ${node}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const { values: options } = parseArgs({
  options: {
    python: { type: 'string' },
    repeats: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
    width: { type: 'string' },
    profile: { type: 'boolean', default: false },
    nodes: { type: 'string', default: '0' },
  },
});
const threads = Number(options.threads);
const shapes = SHAPES.filter(({ width }) => options.width === undefined || width === Number(options.width));
if (options.profile) {
  for (const shape of shapes) await profile(shape, { threads, nodesShown: Number(options.nodes) });
} else {
  const python = options.python === undefined ? undefined : startPython(options.python);
  const table = new Table({
    style: { head: [], border: [] },
    head: [
      'layers × width',
      'batch',
      'ours ms/step',
      'ours tokens/s',
      'torch ms/step',
      'torch tokens/s',
      'ratio',
      'ratio of processor time',
      'ours GFLOP/s',
      'products alone: ratio',
    ],
  });
  let version = 'no --python given';
  let ceiling = await productSpeed(threads);
  let ceilingTheirs: number | undefined;
  try {
    ceilingTheirs = (await python?.ask<{ gflops: number }>({ product: CEILING_SIDE, threads }))?.gflops;
    for (const shape of shapes) {
      const model = buildDecoder(shape);
      const steps = shape.width > 256 ? 16 : 48;
      const ours: number[] = [];
      const theirs: number[] = [];
      const oursCpu: number[] = [];
      const theirsCpu: number[] = [];
      for (let repeat = 0; repeat < Number(options.repeats); repeat++) {
        const run = await runOurs(shape, { model, steps, threads });
        ours.push(run.ms);
        oursCpu.push(run.cpuMs);
        const answer = await python?.ask<TorchAnswer>({ ...shape, steps, threads, learningRate: LEARNING_RATE });
        if (answer !== undefined) {
          theirs.push(answer.ms);
          theirsCpu.push(answer.cpuMs);
        }
        version = answer?.version ?? version;
        ceiling = Math.max(ceiling, await productSpeed(threads));
      }
      const tokens = shape.batch * shape.sequence;
      const [own, other] = [Math.min(...ours), Math.min(...theirs)];
      const rate = (ms: number) => ((1000 * tokens) / ms).toFixed(0);
      table.push([
        `${shape.layers} × ${shape.width}`,
        `${shape.batch} × ${shape.sequence}`,
        own.toFixed(1),
        rate(own),
        ...(theirs.length > 0
          ? [
              other.toFixed(1),
              rate(other),
              (other / own).toFixed(2),
              (Math.min(...theirsCpu) / Math.min(...oursCpu)).toFixed(2),
            ]
          : ['', '', '', '']),
        (productFlops(shape) / own / 1e6).toFixed(0),
        theirs.length > 0 ? (other / (productFlops(shape) / ceiling / 1e6)).toFixed(2) : '',
      ]);
    }
  } finally {
    await python?.stop();
  }
  console.log(
    `best of ${options.repeats}, ${threads} threads; ${version}; one product of ${CEILING_SIDE}³: onnxruntime ` +
      `${ceiling.toFixed(0)} GFLOP/s${ceilingTheirs === undefined ? '' : `, PyTorch ${ceilingTheirs.toFixed(0)}`}`,
  );
  console.log(table.toString());
}
