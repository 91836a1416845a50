/**
 * Measures what training on a device gains:
 *   node scripts/bench-device-training.ts [--runner webgpu] [--widths 128,512] [--layers 4] [--batch 8] [--sequence 128]
 *     [--calls 5] [--steps-per-call 8]
 * The same training of a decoder on the CPU, on the device with its state copied both ways on every call, and, where the
 * binding allows it, on the device with its state staying there; between them what the copies of a call take, and how far the
 * losses are from the CPU's. It ends with the smallest size at which the device wins. On a software device it shows that training works,
 * and says nothing about speed.
 */
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { print, reportError } from '../cli/setup/output.ts';
import { InputError, UnsupportedError } from '../contracts/errors.ts';
import { present } from '../contracts/present.ts';
import type { DeviceProvider } from '../contracts/runner.ts';
import { keepsOutputs } from '../engine/runtime/device-tensor.ts';
import { probeProvider } from '../engine/runtime/provider-probe.ts';
import { quantile } from '../numerics/statistics/statistics.ts';
import { nextTokenCrossEntropy } from '../engine/training/loss.ts';
import { adamW } from '../engine/training/optimizer.ts';
import { train, type TrainOptions } from '../engine/training/train.ts';
import { buildDecoder, decoderBatches, type DecoderShape } from './training-decoder.ts';

const LEARNING_RATE = 1e-3;
const VOCABULARY_SIZE = 1024;
/** Calls before the timed ones: the first ones compile. */
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
      'steps-per-call': { type: 'string', default: '8' },
    },
  });
  const provider = values.runner;
  if (provider !== 'webgpu' && provider !== 'cuda') {
    throw new InputError(`--runner: expected webgpu or cuda, got "${provider}"`);
  }
  const stepsPerCall = Number(values['steps-per-call']);
  if (!(stepsPerCall >= 2)) {
    throw new InputError(`--steps-per-call: expected 2 or more, to tell copies from steps, got ${stepsPerCall}`);
  }
  const probe = await probeProvider(provider);
  if (!probe.available) throw new UnsupportedError(`runner ${provider}: ${probe.reason}`);
  Object.assign(process.env, probe.environment);
  const { name, kind } = probe.device;
  print(`${provider} on ${name ?? 'a device without a name'}${kind === 'software' ? ', software: function only' : ''}`);
  const table = new Table({
    head: ['width', 'state', 'CPU', 'copied', 'kept', 'device ÷ CPU', 'copies of a call', 'loss differs by'],
  });
  const wins: string[] = [];
  for (const width of values.widths.split(',').map(Number)) {
    const shape: DecoderShape = {
      layers: Number(values.layers),
      width,
      heads: Math.max(1, width / 32),
      vocabularySize: VOCABULARY_SIZE,
      batch: Number(values.batch),
      sequence: Number(values.sequence),
    };
    const { row, ratio, state } = await compare(shape, { provider, calls: Number(values.calls), stepsPerCall });
    table.push(row);
    if (ratio < 1) wins.push(`width ${width}, a state of ${state}`);
  }
  print(table.toString());
  print(
    `milliseconds per step, medians of ${values.calls} calls of ${stepsPerCall} steps; copies: of the state, both ways`,
  );
  if (kind === 'software') print('on this device: function only');
  else print(wins[0] === undefined ? 'the CPU is faster at all of these' : `the device is faster from ${wins[0]} on`);
  process.exit(0); // a device's threads may keep the process
}

interface Comparison {
  readonly row: string[];
  /** Of the times of a step, the device's better way over the CPU. */
  readonly ratio: number;
  readonly state: string;
}

async function compare(
  shape: DecoderShape,
  {
    provider,
    calls,
    stepsPerCall,
  }: { readonly provider: DeviceProvider; readonly calls: number; readonly stepsPerCall: number },
): Promise<Comparison> {
  const time = (options: Partial<TrainOptions>) => timeSteps(shape, { calls, stepsPerCall, options });
  const cpu = await time({});
  const copied = await time({ provider, stateLocation: 'host' });
  // A step and the copies of a whole call.
  const single = await timeSteps(shape, { calls, stepsPerCall: 1, options: { provider, stateLocation: 'host' } });
  const kept = keepsOutputs(provider) ? await time({ provider }) : undefined;
  const copiesMs = (single.stepMs - copied.stepMs) / (1 - 1 / stepsPerCall);
  const best = kept ?? copied;
  const ratio = best.stepMs / cpu.stepMs;
  const state = `${(cpu.stateBytes / 1e6).toFixed(1)} MB`;
  const row = [
    String(shape.width),
    state,
    cpu.stepMs.toFixed(1),
    copied.stepMs.toFixed(1),
    kept?.stepMs.toFixed(1) ?? 'not by the binding',
    ratio.toFixed(2),
    `${copiesMs.toFixed(1)} ms`,
    `${Math.abs(best.loss - cpu.loss).toExponential(1)} of ${cpu.loss.toPrecision(6)}`,
  ];
  return { row, ratio, state };
}

interface StepTimes {
  readonly stepMs: number;
  /** Of the last step. */
  readonly loss: number;
  readonly stateBytes: number;
}

async function timeSteps(
  shape: DecoderShape,
  {
    calls,
    stepsPerCall,
    options,
  }: { readonly calls: number; readonly stepsPerCall: number; readonly options: Partial<TrainOptions> },
): Promise<StepTimes> {
  const endsMs: number[] = [];
  const { state, history } = await train({
    model: buildDecoder(shape),
    loss: nextTokenCrossEntropy(),
    feeds: [decoderBatches(shape)],
    optimizer: adamW(),
    schedule: () => LEARNING_RATE,
    steps: (WARM_UP_CALLS + calls) * stepsPerCall,
    stepsPerCall,
    onProgress: () => void endsMs.push(performance.now()),
    ...options,
  });
  const samplesMs = endsMs
    .slice(WARM_UP_CALLS)
    .map((endMs, at) => endMs - present(endsMs[at + WARM_UP_CALLS - 1], 'endsMs[at+WARM_UP_CALLS-1]'));
  const arrays = [state.parameters, ...state.moments.values()].flatMap((kind) => [...kind.values()]);
  return {
    stepMs: quantile(samplesMs, 0.5) / stepsPerCall,
    loss: present(history.loss.at(-1), 'last of history.loss'),
    stateBytes: arrays.reduce((sum, { byteLength }) => sum + byteLength, 0),
  };
}
