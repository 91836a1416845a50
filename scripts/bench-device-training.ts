/**
 * What training on a device would gain:
 *   node scripts/bench-device-training.ts [--runner webgpu] [--widths 128,512] [--layers 4] [--batch 8] [--sequence 128] [--calls 5]
 * The step graph of harness/training, one step per call, on the CPU, on the device with its state copied both ways on every
 * call, and, where the binding allows it, on the device with its state staying there. Beside the times: what the device's
 * kernels leave to the CPU, the bytes of the state, and how far the losses are from the CPU's. On a software device it shows
 * that the way works, and says nothing of speed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { print, reportError } from '../harness/cli/output.ts';
import { InputError, UnsupportedError } from '../harness/contracts/errors.ts';
import type { DeviceProvider, Provider } from '../harness/contracts/runner.ts';
import { keepsOutputs } from '../harness/runtime/device-tensor.ts';
import { createGraphBuilder } from '../harness/onnx/builder.ts';
import { type DevicePlacement, readDevicePlacement } from '../harness/runtime/device-placement.ts';
import { probeProvider } from '../harness/runtime/provider-probe.ts';
import { createSession, type Feeds } from '../harness/runtime/session.ts';
import { quantile } from '../harness/tensor/statistics.ts';
import { elements, type NumericTensor, tensorOf } from '../harness/tensor/tensor.ts';
import { stackFeeds } from '../harness/training/feed-source.ts';
import { nextTokenCrossEntropy } from '../harness/training/loss.ts';
import { adamW } from '../harness/training/optimizer.ts';
import { chooseParameters, isDecayed } from '../harness/training/parameters.ts';
import { layOut, nextName, scalarName } from '../harness/training/slots.ts';
import { buildStepGraph, LOSS, stepCount } from '../harness/training/step-graph.ts';
import { createStateMemory } from '../harness/training/training-state.ts';
import { buildDecoder, decoderBatches, type DecoderShape } from './training-decoder.ts';

const LEARNING_RATE = 1e-3;
const VOCABULARY_SIZE = 1024;
/** Calls before those that count: the first compile. */
const WARM_UP_CALLS = 2;

process.exitCode = await main(process.argv.slice(2)).catch(reportError);

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runner: { type: 'string', default: 'webgpu' },
      widths: { type: 'string', default: '128,512' },
      layers: { type: 'string', default: '4' },
      batch: { type: 'string', default: '8' },
      sequence: { type: 'string', default: '128' },
      calls: { type: 'string', default: '5' },
    },
  });
  const provider = values.runner;
  if (provider !== 'webgpu' && provider !== 'cuda') {
    throw new InputError(`--runner: expected webgpu or cuda, got "${provider}"`);
  }
  const probe = await probeProvider(provider);
  if (!probe.available) throw new UnsupportedError(`runner ${provider}: ${probe.reason}`);
  Object.assign(process.env, probe.environment);
  const { name, kind } = probe.device;
  print(`${provider} on ${name ?? 'a device without a name'}${kind === 'software' ? ', software: function only' : ''}`);
  const table = new Table({
    head: ['width', 'state', 'CPU', 'copied', 'kept', 'kept ÷ CPU', 'copies cost', 'loss differs by', 'on the CPU'],
  });
  for (const width of values.widths.split(',').map(Number)) {
    const shape: DecoderShape = {
      layers: Number(values.layers),
      width,
      heads: Math.max(1, width / 32),
      vocabularySize: VOCABULARY_SIZE,
      batch: Number(values.batch),
      sequence: Number(values.sequence),
    };
    table.push(await rowOf(shape, { provider, calls: Number(values.calls) }));
  }
  print(table.toString());
  print(
    'milliseconds per step, medians; loss after the last call, on the same batches; copies: of the state, both ways',
  );
  process.exit(0); // a device's threads may keep the process
}

async function rowOf(
  shape: DecoderShape,
  { provider, calls }: { readonly provider: DeviceProvider; readonly calls: number },
): Promise<string[]> {
  const cpu = await timeSteps(shape, { provider: 'cpu', calls, kept: false });
  const copied = await timeSteps(shape, { provider, calls, kept: false });
  const kept = keepsOutputs(provider) ? await timeSteps(shape, { provider, calls, kept: true }) : undefined;
  const placed = await placement(shape, provider);
  const strayed = [...placed.strayed].map(([operator, nodes]) => `${operator} ×${nodes}`).join(', ');
  const difference = Math.max(...[copied, ...(kept ? [kept] : [])].map(({ loss }) => Math.abs(loss - cpu.loss)));
  const best = kept ?? copied;
  return [
    String(shape.width),
    `${(cpu.stateBytes / 1e6).toFixed(1)} MB`,
    cpu.stepMs.toFixed(1),
    copied.stepMs.toFixed(1),
    kept?.stepMs.toFixed(1) ?? 'not by the binding',
    (best.stepMs / cpu.stepMs).toFixed(2),
    kept ? `${(copied.stepMs - kept.stepMs).toFixed(1)} ms` : '—',
    `${difference.toExponential(1)} of ${cpu.loss.toPrecision(6)}`,
    `${((placed.placement.timeShare['CPUExecutionProvider'] ?? 0) * 100).toFixed(0)} % of time${strayed ? `: ${strayed}` : ''}`,
  ];
}

interface StepTimes {
  readonly stepMs: number;
  readonly loss: number;
  readonly stateBytes: number;
}

interface Way {
  readonly provider: Provider;
  readonly calls: number;
  /** The state stays on the device. */
  readonly kept: boolean;
}

function stepOf(shape: DecoderShape) {
  const model = buildDecoder(shape);
  const source = decoderBatches(shape);
  const optimizer = adamW({ weightDecay: 0.01 });
  const parameters = chooseParameters({ model });
  const layout = layOut({
    parameters,
    // Small parameters in one tensor are split in the graph, into more buffers than a WebGPU shader may have.
    smallElements: 0,
    options: (name) => ({
      decays: isDecayed(name, parameters.get(name)?.dims ?? []),
      learningRateScale: 1,
      gradientScale: 1,
      masked: false,
    }),
  });
  const loss = nextTokenCrossEntropy();
  const request = { model, inputs: source.shapes, loss, optimizer, layout, accumulation: 1, clipNorm: 1 };
  const graph = buildStepGraph(request);
  const memory = createStateMemory({ layout, optimizer, parameters, masks: new Map() });
  function feedsAt(step: number): Record<string, NumericTensor> {
    const stacked = stackFeeds([source], { first: step, stack: [1], wanted: graph.feeds });
    const feeds: Record<string, NumericTensor> = { steps: stepCount(1) };
    for (const [name, tensor] of Object.entries(stacked)) feeds[`steps/${name}`] = tensor;
    const scalars = optimizer.scalarsAt({ step: step + 1, learningRate: LEARNING_RATE, weightDecay: 0.01 });
    for (const name of optimizer.scalars) {
      feeds[`steps/${scalarName(0, name)}`] = tensorOf('float32', [1], Float32Array.of(scalars[name] as number));
    }
    return feeds;
  }
  return { graph, memory, feedsAt };
}

async function timeSteps(shape: DecoderShape, { provider, calls, kept }: Way): Promise<StepTimes> {
  const { graph, memory, feedsAt } = stepOf(shape);
  const session = await createSession(graph.model, { provider, ...(kept && { outputLocation: 'device' }) });
  const reader = await createSession(identity(), { provider });
  const known = new Set(session.inputs.map(({ name }) => name));
  const only = (feeds: Feeds): Feeds => Object.fromEntries(Object.entries(feeds).filter(([name]) => known.has(name)));
  const stateBytes = Object.values(memory.feeds()).reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  const samplesMs: number[] = [];
  let state: Feeds = memory.feeds();
  let loss = Number.NaN;
  for (let call = 0; call < WARM_UP_CALLS + calls; call++) {
    const start = performance.now();
    const feeds = only({ ...feedsAt(call), ...state });
    if (kept) {
      const outputs = await session.runOnDevice(feeds);
      // Reading the loss waits for the device.
      const read = await reader.run({ x: outputs[LOSS] as (typeof outputs)[string] });
      loss = elements(read['y'] as NumericTensor, 'float32')[0] as number;
      for (const old of Object.values(state)) if ('location' in old) old.release();
      const next = Object.keys(memory.feeds()).map((name) => [name, outputs[nextName(name)]] as const);
      state = Object.fromEntries(next) as Feeds;
      for (const [name, value] of Object.entries(outputs)) if (!name.endsWith(nextName(''))) value.release();
    } else {
      const outputs = await session.run(feeds);
      loss = elements(outputs[LOSS] as NumericTensor, 'float32')[0] as number;
      memory.advance(outputs);
      state = memory.feeds();
    }
    if (call >= WARM_UP_CALLS) samplesMs.push(performance.now() - start);
  }
  await session.release();
  await reader.release();
  return { stepMs: quantile(samplesMs, 0.5), loss, stateBytes };
}

/** A vector as it is. */
function identity() {
  const b = createGraphBuilder({ name: 'read', opset: 21 });
  b.node('Identity', [b.input('x', 'float32', ['steps'])], { name: 'y', outputs: ['y'] });
  b.output('y', { dtype: 'float32', dims: ['steps'] });
  return b.build();
}

async function placement(shape: DecoderShape, provider: DeviceProvider): Promise<DevicePlacement> {
  const { graph, memory, feedsAt } = stepOf(shape);
  const folder = mkdtempSync(join(tmpdir(), 'device-training-'));
  try {
    const session = await createSession(graph.model, { provider, profilePrefix: join(folder, 'profile') });
    const known = new Set(session.inputs.map(({ name }) => name));
    const feeds = { ...feedsAt(0), ...memory.feeds() };
    const own = Object.fromEntries(Object.entries(feeds).filter(([name]) => known.has(name)));
    for (let call = 0; call <= WARM_UP_CALLS; call++) await session.run(own);
    const placed = await readDevicePlacement(session.endProfiling());
    await session.release();
    return placed;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
