/** Expands a suite into trials, evaluations and measurements, each under its key. Reads no file and runs nothing. */
import type { DatasetDefinition, TaskDefinition } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';
import type { Method } from '../../engine/definitions/method.ts';
import type { ModelDefinition } from '../../engine/definitions/model.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { TrialIdentity } from '../../contracts/result.ts';
import type { Runner, TrainingDevice } from '../../contracts/runner.ts';
import { kindFor } from '../../engine/model/encode-row.ts';
import { modelRevision } from '../../engine/model/load-model.ts';
import { evaluationKey, measurementKey, trialKey } from './keys.ts';
import { type LearningRates, rateOf, type SearchedRate } from './learning-rates.ts';

/** A method and the path of its module. */
export interface MethodRegistration {
  readonly method: Method;
  /** Absolute path. */
  readonly file: string;
  /** Learning rates found by a search; default none. */
  readonly rates?: LearningRates;
}

/** One model of a suite, with its tasks, variants and data. */
export interface SuiteEntry {
  readonly model: ModelDefinition;
  /** Where calibration and training examples are drawn from. */
  readonly calibration: DatasetDefinition;
  readonly tasks: readonly { readonly task: TaskDefinition; readonly dataset: DatasetDefinition }[];
  readonly variants: readonly { readonly registration: MethodRegistration; readonly variant: string }[];
  /** Seeds of methods that depend on one; the others run once, with the first. */
  readonly seeds: readonly number[];
}

export interface PlannedEvaluation {
  readonly key: string;
  readonly task: TaskDefinition;
  readonly dataset: DatasetDefinition;
  readonly inSample: boolean;
}

export interface PlannedTrial {
  readonly key: string;
  readonly identity: TrialIdentity;
  readonly registration: MethodRegistration;
  readonly entry: SuiteEntry;
  /** For a method with a learning rate: how it was found; absent for the default. */
  readonly rate?: SearchedRate;
  readonly evaluations: readonly PlannedEvaluation[];
  readonly measurement: { readonly key: string; readonly runner: Runner };
}

export interface PlanOptions {
  /** Whether trained methods train on the runner's device; default: on the CPU. */
  readonly trainOnDevice?: boolean;
}

/** Throws InputError for training on the device of a runner that has none. */
export function planTrials(
  entries: readonly SuiteEntry[],
  runner: Runner,
  { trainOnDevice = false }: PlanOptions = {},
): PlannedTrial[] {
  const trainingDevice = trainOnDevice ? trainingDeviceOf(runner) : undefined;
  const planned = new Map<string, PlannedTrial>();
  for (const entry of entries) {
    for (const { registration, variant } of entry.variants) {
      for (const seed of registration.method.random ? entry.seeds : entry.seeds.slice(0, 1)) {
        const trial = planTrial({ entry, registration, variant, seed, runner, trainingDevice });
        planned.set(trial.key, trial);
      }
    }
  }
  return [...planned.values()];
}

function trainingDeviceOf({ provider, device, fingerprint }: Runner): TrainingDevice {
  if (provider !== 'cpu') return { provider, device: device?.name ?? null, runner: fingerprint };
  throw new InputError(
    'training on a device: the runner is the processor; choose a device with --runner webgpu or cuda',
  );
}

function planTrial(parts: {
  readonly entry: SuiteEntry;
  readonly registration: MethodRegistration;
  readonly variant: string;
  readonly seed: number;
  readonly runner: Runner;
  readonly trainingDevice: TrainingDevice | undefined;
}): PlannedTrial {
  const { entry, registration, variant, seed, runner, trainingDevice } = parts;
  const { method } = registration;
  const declared = method.variants[variant];
  if (!declared) {
    throw new InputError(`${method.id} has no variant "${variant}"; it has ${Object.keys(method.variants).join(', ')}`);
  }
  for (const { task } of entry.tasks) {
    if (kindFor(task.metric) === entry.model.kind) continue;
    throw new InputError(
      `task ${task.id} (${task.metric}) needs a model of kind ${kindFor(task.metric)}, got ` +
        `${entry.model.id} of kind ${entry.model.kind}; choose another task for it`,
    );
  }
  const rate = rateOf(registration.rates ?? {}, { method, variant, model: entry.model.id });
  const params = rate === undefined ? declared : { ...declared, learningRate: rate.learningRate };
  const identity: TrialIdentity = {
    method: method.id,
    revision: method.revision,
    variant,
    params,
    model: entry.model.id,
    modelRevision: modelRevision(entry.model),
    data:
      method.access === 'data-free'
        ? null
        : { dataset: entry.calibration.id, contentHash: entry.calibration.contentHash },
    seed,
    protocol: PROTOCOL.version,
    ...(trainingDevice && method.access === 'trained' && { trainedOn: trainingDevice }),
  };
  const key = trialKey(identity);
  return {
    key,
    identity,
    registration,
    entry,
    ...(rate && { rate }),
    evaluations: entry.tasks.map(({ task, dataset }) => ({
      key: evaluationKey({
        trial: key,
        task: task.id,
        datasetContent: dataset.contentHash,
        protocol: PROTOCOL.version,
      }),
      task,
      dataset,
      inSample: entry.model.testItemsSeen.includes(dataset.id),
    })),
    measurement: {
      key: measurementKey({ trial: key, runnerFingerprint: runner.fingerprint, protocol: PROTOCOL.version }),
      runner,
    },
  };
}
