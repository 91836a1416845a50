/**
 * The process that judges an artifact: contract check and sizes, then its evaluations, then its measurement. Each
 * finished step is sent to the parent at once, so that a crash loses at most the current step.
 */
import { readFileSync } from 'node:fs';
import { InputError } from '../../contracts/errors.ts';
import type { Model } from '../../engine/definitions/model.ts';
import type {
  Artifact,
  DeviceFigures,
  DeviceQuality,
  Distance,
  Items,
  Placement,
  Quality,
  ShapeLatency,
  Size,
  Timing,
} from '../../contracts/result.ts';
import type { Device, Runner } from '../../contracts/runner.ts';
import type { TaskItems } from '../../contracts/task-items.ts';
import { checkArtifact } from './contract-check.ts';
import { compareWithCpu, qualityFinding } from './device-quality.ts';
import { type DenseScores, hasDenseScores, readDenseScores } from './dense-scores.ts';
import { evaluateCandidate, scoreDense } from './evaluate-task.ts';
import { checkPair } from './pair-check.ts';
import { measureArtifact } from '../measure/measure-artifact.ts';
import type { Patience } from '../measure/measurement-task.ts';
import { TimingProcessKilled } from '../measure/time-in-processes.ts';
import { readModelFile } from '../../numerics/onnx/file.ts';
import { type Outcome, failureOf } from '../process/outcome.ts';
import type { Step } from '../plan/bench.ts';
import { type PreparedModel, readPreparedData, readPreparedModel } from '../plan/prepared-inputs.ts';
import { watchParent } from '../process/watch-parent.ts';

export interface JudgeSpecification {
  readonly model: PreparedModel;
  readonly denseSize: Size;
  readonly artifactPath: string;
  /** Key of the trial whose artifact is to be checked; null where its row is in the store already. */
  readonly trialKey: string | null;
  /** The contract requires a method's artifact to be smaller than dense, but not a control's. */
  readonly control: boolean;
  readonly evaluations: readonly PlannedScoring[];
  readonly measurement: PlannedJudgement | null;
}

/** Items of a task, and the folder where the dense model's scores on them are or will be kept. */
export interface ScoredItems {
  readonly testPath: string;
  readonly denseScores: string;
}

export interface PlannedScoring extends ScoredItems {
  readonly key: string;
  /** Also score dense and artifact in one session, and compare. */
  readonly checkPair: boolean;
}

export interface PlannedJudgement {
  readonly key: string;
  readonly runner: Pick<Runner, 'provider' | 'device'>;
  /** Environment variables that make the runner's device available; set before anything is loaded. */
  readonly environment: Readonly<Record<string, string>>;
  readonly patience: Patience;
  /** Tasks whose scores on the device are compared with those on the CPU; unused by a runner on the CPU. */
  readonly tasks: readonly (ScoredItems & { readonly task: string })[];
}

type SessionOptionValues = Record<string, string | number | boolean>;

export interface EvaluationValue {
  readonly quality: Quality;
  readonly distance: Distance;
  readonly outcomes: Items;
  readonly sessionOptions: SessionOptionValues;
}

export interface MeasurementValue {
  readonly latency: ShapeLatency[];
  readonly timing: Timing;
  readonly residentMemoryBytes: number;
  readonly denseResidentMemoryBytes: number;
  readonly placement: Placement;
  readonly onDevice?: DeviceFigures;
  readonly sessionOptions: SessionOptionValues;
}

interface Done<A extends Step, T> {
  readonly kind: 'done';
  readonly step: A;
  readonly key: string;
  readonly outcome: Outcome<T>;
  readonly wallSeconds: number;
}

export type JudgeMessage =
  /** The step of this key has begun; if the process ends now, the step has failed. */
  | { readonly kind: 'begun'; readonly key: string }
  | { readonly kind: 'progress'; readonly step: Step; readonly share: number }
  | Done<'check', Artifact>
  | Done<'evaluate', EvaluationValue>
  | Done<'measure', MeasurementValue>;

const PROGRESS_INTERVAL_MS = 200;

if (import.meta.main) await judge(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as JudgeSpecification);

async function judge(specification: JudgeSpecification): Promise<void> {
  watchParent();
  const { trialKey, evaluations, measurement } = specification;
  Object.assign(process.env, measurement?.environment);
  if (trialKey !== null) {
    const valid = await runStep('check', trialKey, () => check(specification));
    if (!valid) return process.disconnect();
  }
  for (const evaluation of evaluations) await evaluate(specification, evaluation);
  if (measurement) {
    await runStep('measure', measurement.key, async () => ({
      status: 'completed',
      value: await measure(specification, measurement),
    }));
  }
  process.disconnect();
}

/** Models are read where they are needed and not kept, because one may take most of the memory. */
async function evaluate({ model, artifactPath }: JudgeSpecification, planned: PlannedScoring): Promise<void> {
  const task = readPreparedData<TaskItems>(planned.testPath);
  const denseScores = await denseScoresOf(model, planned);
  let scored: Items | undefined;
  await runStep('evaluate', planned.key, async () => {
    const { quality, distance, items, sessionOptions } = await evaluateCandidate({
      candidate: readModelFile(artifactPath),
      denseScores,
      task,
      scratch: process.cwd(),
      onProgress: progressOf('evaluate'),
    });
    scored = items;
    return { status: 'completed', value: { quality, distance, outcomes: items, sessionOptions } };
  });
  if (!planned.checkPair || scored === undefined) return;
  const dense = readPreparedModel(model).onnx;
  await checkPair({ dense, candidate: readModelFile(artifactPath), task, items: scored, scratch: process.cwd() });
}

/** The stored dense scores; computed outside any step, since an error here is not the artifact's fault. */
async function denseScoresOf(model: PreparedModel, { testPath, denseScores }: ScoredItems): Promise<DenseScores> {
  if (!hasDenseScores(denseScores)) {
    const task = readPreparedData<TaskItems>(testPath);
    await scoreDense({
      dense: readPreparedModel(model).onnx,
      task,
      folder: denseScores,
      scratch: process.cwd(),
      onProgress: progressOf('evaluate'),
    });
  }
  return readDenseScores(denseScores);
}

async function measure(
  { model, artifactPath }: JudgeSpecification,
  { runner, tasks, patience }: PlannedJudgement,
): Promise<MeasurementValue> {
  const { provider } = runner;
  const { contextLength, vocabularySize } = shapeOf(readPreparedModel(model));
  const { onDevice, ...value } = await measureArtifact({
    dense: model.onnxPath,
    candidate: artifactPath,
    provider,
    contextLength,
    vocabularySize,
    patience,
    onProgress: progressOf('measure'),
  }).catch(endAlike);
  if (provider === 'cpu' || !onDevice) return value;
  const quality: DeviceQuality[] = [];
  for (const { task: id, ...items } of tasks) {
    const task = readPreparedData<TaskItems>(items.testPath);
    const denseScores = await denseScoresOf(model, items);
    quality.push(await compareWithCpu({ id, provider, candidate: readModelFile(artifactPath), denseScores, task }));
  }
  const findings = [
    ...(runner.device?.kind === 'hardware' ? [] : [softwareFinding(runner.device)]),
    ...onDevice.findings,
    ...quality.map((one) => qualityFinding(provider, one)).filter((finding) => finding !== undefined),
  ];
  return { ...value, onDevice: { ...onDevice, findings, quality } };
}

/**
 * A signal from outside that ended a timing process ends this one too, which the parent distinguishes from a fault of
 * the artifact.
 */
function endAlike(error: unknown): never {
  if (error instanceof TimingProcessKilled) process.kill(process.pid, error.signal);
  throw error;
}

function softwareFinding(device: Device | undefined): string {
  return `ran on ${device?.name ?? 'an unnamed device'}, which is emulated or not known to be hardware: shows that it works, not how fast`;
}

/** Runs one step and sends its outcome; true when it completed. */
async function runStep<A extends JudgeStep>(
  step: A,
  key: string,
  work: () => Promise<Outcome<ValueOf<A>>>,
): Promise<boolean> {
  await send({ kind: 'begun', key });
  const startedMs = performance.now();
  const outcome = await work().catch(failureOf);
  const wallSeconds = (performance.now() - startedMs) / 1000;
  await send({ kind: 'done', step, key, outcome, wallSeconds } as JudgeMessage);
  return outcome.status === 'completed';
}

type JudgeStep = (JudgeMessage & { kind: 'done' })['step'];
type ValueOf<A extends JudgeStep> = Extract<
  Extract<JudgeMessage, { kind: 'done'; step: A }>['outcome'],
  { status: 'completed' }
>['value'];

async function check(specification: JudgeSpecification): Promise<Outcome<Artifact>> {
  const { denseSize, control, artifactPath } = specification;
  const dense = readPreparedModel(specification.model);
  const artifactBytes = readFileSync(artifactPath);
  const verdict = await checkArtifact({ dense, artifactBytes, denseSize, control });
  return verdict.status === 'valid' ? { status: 'completed', value: verdict.artifact } : verdict;
}

function shapeOf({ id, onnx, roles, contextLength }: Model) {
  const vocabularySize = onnx.graph.initializers.get(roles.embedding.weight)?.dims[0];
  if (vocabularySize === undefined)
    throw new InputError(`${id}: no embedding ${roles.embedding.weight}; correct its role map`);
  return { contextLength, vocabularySize };
}

function progressOf(step: Step): (share: number) => void {
  let sentMs = 0;
  return (share) => {
    if (performance.now() - sentMs < PROGRESS_INTERVAL_MS) return;
    sentMs = performance.now();
    process.send?.({ kind: 'progress', step, share } satisfies JudgeMessage);
  };
}

/** Resolves when the message is handed to the operating system. */
function send(message: JudgeMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });
}
