/**
 * Valid rows of every kind from a seed: the same seed gives the same row, and `overrides` replaces whole fields. Keys
 * are derived as the harness derives them in spirit: equal identities have equal keys.
 */
import { createHash } from 'node:crypto';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type {
  FAILURES,
  Artifact,
  Cost,
  DeviceFigures,
  Estimate,
  EvaluationRow,
  Items,
  MeasurementRow,
  RunRow,
  ShapeLatency,
  TrialIdentity,
  TrialRow,
} from '../../contracts/result.ts';
import type { Device, Machine, Runner } from '../../contracts/runner.ts';
import { createRandom, type Random } from '../../numerics/tensor/random.ts';

export type Failure = (typeof FAILURES)[number];
export type CompletedTrial = Extract<TrialRow, { status: 'completed' }>;
export type FailedTrial = Exclude<TrialRow, CompletedTrial>;
export type CompletedEvaluation = Extract<EvaluationRow, { status: 'completed' }>;
export type FailedEvaluation = Exclude<EvaluationRow, CompletedEvaluation>;
export type CompletedMeasurement = Extract<MeasurementRow, { status: 'completed' }>;
export type FailedMeasurement = Exclude<MeasurementRow, CompletedMeasurement>;

export function sha256Of(label: string): string {
  return createHash('sha256').update(label).digest('hex');
}

/** The `minute`-th minute of 2026-01-01. */
export function timeAt(minute: number): string {
  return new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
}

export function machineOf(overrides: Partial<Machine> = {}): Machine {
  return {
    cpuModel: 'Example CPU @ 2.00GHz',
    processor: {
      vendor: 'Example',
      family: '6',
      model: '143',
      stepping: '8',
      caches: ['L1d 48K', 'L1i 32K', 'L2 2048K', 'L3 32768K'],
      baseMhz: 2000,
    },
    cores: 2,
    memoryBytes: 8 * 2 ** 30,
    instructionSets: ['avx2', 'avx512f'],
    operatingSystem: 'linux 6.1',
    architecture: 'x64',
    node: '24.21.0',
    onnxRuntime: '1.30.0',
    ...overrides,
  };
}

export function runnerOf(overrides: Partial<Omit<Runner, 'fingerprint'>> = {}): Runner {
  const runner = { provider: 'cpu' as const, machine: machineOf(), ...overrides };
  return { ...runner, fingerprint: sha256Of(JSON.stringify(runner)).slice(0, 16) };
}

/** As onnxruntime's profile calls them. */
const EXECUTION_PROVIDERS = {
  cpu: 'CPUExecutionProvider',
  webgpu: 'WebGpuExecutionProvider',
  cuda: 'CUDAExecutionProvider',
} as const;

export function deviceOf(overrides: Partial<Device> = {}): Device {
  return {
    name: 'Example GPU',
    kind: 'hardware',
    driver: 'Example 1.2.3',
    memoryBytes: 16 * 2 ** 30,
    maximumClockMhz: 1980,
    maximumMemoryClockMhz: null,
    powerLimitWatts: 350.5,
    libraries: { libvulkan: '1.3.280' },
    ...overrides,
  };
}

export function deviceFiguresOf(overrides: Partial<DeviceFigures> = {}): DeviceFigures {
  return {
    findings: [],
    timeBasis: 'device-clock',
    outputsKept: true,
    copyMs: { '1x1': 0.02, '8x128': 0.4 },
    memoryBytes: 30_000_000,
    denseMemoryBytes: null,
    joulesPerCall: 0.25,
    denseJoulesPerCall: null,
    quality: [
      {
        task: 'stories-perplexity',
        metric: 'perplexity',
        items: 60,
        decisions: 20_000,
        value: 3.5,
        cpuValue: 3.5000001,
        meanDifference: 1e-7,
        largestDifference: 5e-7,
        changedDecisions: 0,
        withinTolerance: true,
      },
    ],
    ...overrides,
  };
}

export function runOf(overrides: Partial<RunRow> = {}): RunRow {
  return {
    kind: 'run',
    id: 'run-1',
    suite: 'quick',
    protocol: PROTOCOL.version,
    commit: 'abcdef0123456789abcdef0123456789abcdef01',
    machine: machineOf(),
    startedAt: timeAt(0),
    finishedAt: timeAt(90),
    wallSeconds: 5400.25,
    overheadSeconds: 12.5,
    ...overrides,
  };
}

/** Of every method of these fixtures; rows of an older one are stale. */
export const PRESENT_REVISION = 2;

export function identityOf(overrides: Partial<TrialIdentity> = {}): TrialIdentity {
  return {
    method: 'rounding',
    revision: PRESENT_REVISION,
    variant: 'w4',
    params: { bits: 4, nested: { symmetric: true }, list: [1, 2] },
    model: 'tiny',
    modelRevision: sha256Of('revision of tiny'),
    data: { dataset: 'stories', contentHash: sha256Of('stories') },
    seed: 0,
    protocol: PROTOCOL.version,
    ...overrides,
  };
}

export function keyOf(identity: TrialIdentity): string {
  return sha256Of(`trial ${JSON.stringify(identity)}`);
}

export function artifactOf(seed: string, overrides: Partial<Artifact['size']> = {}): Artifact {
  const random = createRandom(`artifact ${seed}`);
  const fileBytes = 100_000 + random.integer(900_000);
  const parameters = 10_000 + random.integer(250_000);
  return {
    sha256: sha256Of(`artifact ${seed} ${JSON.stringify(overrides)}`),
    size: {
      fileBytes,
      fileBytesWithoutEmbedding: fileBytes - 50_000,
      zstdBytes: fileBytes - 10_000,
      zstdBytesWithoutEmbedding: fileBytes - 60_000,
      parameters,
      parametersWithoutEmbedding: parameters - 5_000,
      nonZeroParameters: parameters - 7,
      nonZeroParametersWithoutEmbedding: parameters - 5_007,
      ...overrides,
    },
    operators: { MatMul: 36, 'com.microsoft:MatMulNBits': random.integer(36), Add: 12 },
  };
}

export function costOf(seed: string): Cost {
  const random = createRandom(`cost ${seed}`);
  return {
    wallSeconds: random.next() * 100,
    cpuSeconds: random.next() * 200,
    deviceSeconds: random.next() < 0.5 ? null : random.next() * 50,
    peakMemoryBytes: random.integer(2 ** 31),
    tokensSeen: random.integer(16_384),
    gradientSteps: random.integer(3) * 100,
    energyJoules: random.next() < 0.5 ? null : random.next() * 1000,
  };
}

type Identified<T> = Partial<Omit<T, 'identity' | 'status' | 'kind'>> & { readonly identity?: Partial<TrialIdentity> };

export function trialOf(overrides: Identified<CompletedTrial> = {}): CompletedTrial {
  const { identity: partial, ...rest } = overrides;
  const identity = identityOf(partial);
  const key = keyOf(identity);
  return {
    kind: 'trial',
    key,
    run: 'run-1',
    identity,
    family: 'quantization',
    access: 'calibrated',
    control: false,
    notes: ['scales kept in float32'],
    simulated: null,
    machine: machineOf(),
    startedAt: timeAt(1),
    status: 'completed',
    artifact: artifactOf(key),
    cost: costOf(key),
    ...rest,
  };
}

export function failedTrialOf(status: Failure, overrides: Identified<FailedTrial> = {}): FailedTrial {
  const { identity, ...replaced } = overrides;
  const { artifact: _, cost: __, ...fields } = trialOf(identity && { identity });
  return { ...fields, status, reason: `the trial ended with ${status}`, cost: null, ...replaced };
}

export function itemsOf(seed: string, count: number): Items {
  const random = createRandom(`items ${seed}`);
  const column = (of: (i: number) => number): number[] => Array.from({ length: count }, (_, i) => of(i));
  const tokens = column(() => 200 + random.integer(300));
  const below = (i: number): number => random.integer(tokens[i]!);
  return {
    ids: tokens.map((_, i) => `story-${String(i).padStart(4, '0')}`),
    tokens,
    negativeLogLikelihood: column((i) => tokens[i]! * (1.3 + 0.1 * random.normal())),
    denseNegativeLogLikelihood: column((i) => tokens[i]! * (1.2 + 0.1 * random.normal())),
    klDivergence: column((i) => tokens[i]! * 0.01 * random.next()),
    sameTop: column(below),
    correct: column(below),
    denseCorrect: column(below),
    correctToIncorrect: column((i) => Math.floor(below(i) / 10)),
    incorrectToCorrect: column((i) => Math.floor(below(i) / 10)),
  };
}

function estimateAround(value: number, random: Random): Estimate {
  return { value, low: value - random.next() / 100, high: value + random.next() / 100 };
}

type Belonging<T> = Partial<Omit<T, 'status' | 'kind'>> & { readonly itemCount?: number };

/** An evaluation of `trial` on a task. */
export function evaluationOf(
  trial: CompletedTrial,
  overrides: Belonging<CompletedEvaluation> = {},
): CompletedEvaluation {
  const { itemCount = 6, ...replaced } = overrides;
  const task = replaced.task ?? 'stories-perplexity';
  const seed = `${trial.key} ${trial.artifact.sha256} ${task}`;
  const random = createRandom(`evaluation ${seed}`);
  const outcomes = itemsOf(seed, itemCount);
  return {
    kind: 'evaluation',
    key: sha256Of(`evaluation ${seed}`),
    run: trial.run,
    trial: trial.key,
    artifact: trial.artifact.sha256,
    task,
    dataset: { dataset: 'stories', contentHash: sha256Of('stories') },
    protocol: trial.identity.protocol,
    inSample: true,
    sessionOptions: { intraOpNumThreads: 2, graphOptimizationLevel: 'all', enableMemPattern: false },
    machine: trial.machine,
    startedAt: timeAt(2),
    wallSeconds: random.next() * 10,
    status: 'completed',
    quality: {
      metric: 'perplexity',
      higherIsBetter: false,
      estimate: estimateAround(3.7 + random.next(), random),
      dense: 3.65 + random.next() / 100,
      items: itemCount,
      tokens: outcomes.tokens.reduce((sum, tokens) => sum + tokens, 0),
    },
    distance: {
      deltaLogPerplexity: estimateAround(random.next() / 10, random),
      klDivergence: estimateAround(random.next() / 10, random),
      sameTop: estimateAround(0.9, random),
      correctToIncorrect: estimateAround(0.05, random),
      incorrectToCorrect: estimateAround(0.03, random),
    },
    outcomes,
    ...replaced,
  };
}

/** One of a task with slices. */
export function slicedEvaluationOf(trial: CompletedTrial, itemCount = 7): CompletedEvaluation {
  const whole = evaluationOf(trial, { itemCount, task: `sliced-accuracy-${itemCount}` });
  const slices = whole.outcomes.ids.map((_, i) => (i % 3 === 0 ? 'tail' : 'head'));
  return {
    ...whole,
    quality: {
      ...whole.quality,
      metric: 'choice-accuracy',
      higherIsBetter: true,
      slices: ['head', 'tail'].map((slice) => ({
        slice,
        items: slices.filter((each) => each === slice).length,
        estimate: { value: 0.5, low: 0.25, high: 0.75 },
        dense: 0.625,
      })),
    },
    outcomes: { ...whole.outcomes, slices },
  };
}

export function failedEvaluationOf(
  trial: CompletedTrial,
  status: Failure,
  overrides: Partial<Omit<FailedEvaluation, 'status' | 'kind'>> = {},
): FailedEvaluation {
  const { quality: _, distance: __, outcomes: ___, ...fields } = evaluationOf(trial, overrides);
  return { ...fields, status, reason: `the evaluation ended with ${status}`, ...overrides };
}

export function latencyOf(seed: string, shape: Pick<ShapeLatency, 'shape' | 'batch' | 'sequence'>): ShapeLatency {
  const random = createRandom(`latency ${seed} ${shape.shape}`);
  const samplesMs = Array.from({ length: 30 }, () => 1 + random.next());
  const denseSamplesMs = samplesMs.map((sample) => sample * (1.1 + random.next() / 10));
  const middle = (samples: readonly number[]): number => samples.toSorted((a, b) => a - b)[15]!;
  return {
    ...shape,
    threads: 1,
    processes: samplesMs.map((_, round) => Math.floor(round / 10)),
    samplesMs,
    denseSamplesMs,
    p50Ms: middle(samplesMs),
    p95Ms: samplesMs.toSorted((a, b) => a - b)[28]!,
    denseP50Ms: middle(denseSamplesMs),
    speedUp: estimateAround(1.1 + random.next() / 10, random),
    coefficientOfVariation: random.next() / 10,
    noisy: false,
  };
}

/** As protocol 1 had it. */
export function firstLatencyOf(
  seed: string,
  shape: Pick<ShapeLatency, 'shape' | 'batch' | 'sequence'>,
): Omit<ShapeLatency, 'threads' | 'processes'> {
  const { threads: _, processes: __, ...latency } = latencyOf(seed, shape);
  return latency;
}

/** A measurement of `trial` on a runner, as its protocol has it. */
export function measurementOf(
  trial: CompletedTrial,
  overrides: Partial<Omit<CompletedMeasurement, 'status' | 'kind'>> = {},
): CompletedMeasurement {
  const runner = overrides.runner ?? runnerOf();
  const seed = `${trial.key} ${trial.artifact.sha256} ${runner.fingerprint}`;
  const random = createRandom(`measurement ${seed}`);
  const protocol = overrides.protocol ?? trial.identity.protocol;
  const timed = protocol > 1 ? latencyOf : firstLatencyOf;
  return {
    kind: 'measurement',
    key: sha256Of(`measurement ${seed}`),
    run: trial.run,
    trial: trial.key,
    artifact: trial.artifact.sha256,
    runner,
    protocol: trial.identity.protocol,
    threads: 1,
    sessionOptions: { intraOpNumThreads: 1 },
    startedAt: timeAt(3),
    wallSeconds: random.next() * 20,
    status: 'completed',
    latency: [
      timed(seed, { shape: '1x1', batch: 1, sequence: 1 }),
      timed(seed, { shape: '8x128', batch: 8, sequence: 128 }),
    ],
    ...(protocol > 1 && { timing: { processes: 3, attempts: 1, pinned: true, quiet: null, waitedSeconds: 0 } }),
    residentMemoryBytes: 20_000_000 + random.integer(1_000_000),
    denseResidentMemoryBytes: 40_000_000,
    placement: {
      nodes: { [EXECUTION_PROVIDERS[runner.provider]]: 120 },
      timeShare: { [EXECUTION_PROVIDERS[runner.provider]]: 1 },
      operators: { MatMul: 36, Softmax: 5 },
    },
    ...overrides,
  };
}

export function failedMeasurementOf(
  trial: CompletedTrial,
  status: Failure,
  overrides: Partial<Omit<FailedMeasurement, 'status' | 'kind'>> = {},
): FailedMeasurement {
  const {
    latency: _,
    timing: __,
    residentMemoryBytes: ___,
    denseResidentMemoryBytes: ____,
    placement: _____,
    ...fields
  } = measurementOf(trial, overrides);
  return { ...fields, status, reason: `the measurement ended with ${status}`, ...overrides };
}
