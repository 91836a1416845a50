/**
 * The process a method runs in. It reads only the files its specification names, calls compress(), and writes the
 * artifact and a report into its scratch folder. Started by compress-trial.ts with the path of the specification, in the
 * strictest sandbox the machine supports (sandbox.ts): once the method's module is loaded, this process is untrusted.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { InputError } from '../../contracts/errors.ts';
import type { ExampleSet, Method, TrainedContext } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { finishModel } from '../../engine/model/finish-model.ts';
import type { Provider } from '../../contracts/runner.ts';
import { startCostMeter } from '../measure/cost.ts';
import { writeModel } from '../../numerics/onnx/write.ts';
import { createRandom } from '../../numerics/tensor/random.ts';
import { type Outcome, describe, explain, failureOf } from '../process/outcome.ts';
import { type PreparedModel, readPreparedData, readPreparedModel } from '../plan/prepared-inputs.ts';
import { tellParent } from '../process/tell-parent.ts';
import { LONGEST_NOTE, MOST_NOTES, type TrialReport } from './trial-report.ts';
import { PARENT_VARIABLE, watchParent } from '../process/watch-parent.ts';

export interface TrialSpecification {
  readonly methodFile: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Seed of the trial's random numbers. */
  readonly randomSeed: string;
  readonly model: PreparedModel;
  /** Null for data-free methods. */
  readonly calibrationPath: string | null;
  /** Null for all but trained methods. */
  readonly trainingPath: string | null;
  readonly training: {
    readonly provider: Provider;
    /** Environment variables that make its device available. */
    readonly environment: Readonly<Record<string, string>>;
  };
  readonly artifactPath: string;
  readonly reportPath: string;
}

/** Sent before any of the method's code runs. */
export interface BegunMessage {
  readonly kind: 'begun';
}

const PROGRESS_INTERVAL_MS = 200;

if (import.meta.main) await runTrial(process.argv[2] ?? '');

async function runTrial(specificationPath: string): Promise<void> {
  // Where the kernel ends this process with its parent, the variable is not set and no thread is started.
  if (process.env[PARENT_VARIABLE] !== undefined) watchParent();
  const specification = JSON.parse(readFileSync(specificationPath, 'utf8')) as TrialSpecification;
  Object.assign(process.env, specification.training.environment);
  const model = readPreparedModel(specification.model);
  const smaller = specification.model.smaller && readPreparedModel(specification.model.smaller);
  const calibration = readExamples(specification.calibrationPath);
  const training = readExamples(specification.trainingPath);
  tellParent({ kind: 'begun' } satisfies BegunMessage);
  const method = await loadMethod(specification.methodFile);
  const notes: string[] = [];
  let simulated: string | null = null;
  let gradientSteps = 0;
  // A trained method reports the tokens it used; a calibrated method is charged all tokens it was given.
  let tokensSeen = training ? 0 : (calibration?.tokenCount ?? 0);
  let deviceSeconds: number | undefined;
  let reportedAtMs = 0;

  const context: TrialContext = {
    params: v.parse(method.params, specification.params),
    random: createRandom(specification.randomSeed),
    signal: new AbortController().signal,
    note(text) {
      if (notes.length < MOST_NOTES && !notes.includes(text)) notes.push(text.slice(0, LONGEST_NOTE));
    },
    simulated(reason) {
      simulated = reason.slice(0, LONGEST_NOTE);
    },
    progress(share) {
      if (performance.now() - reportedAtMs < PROGRESS_INTERVAL_MS) return;
      reportedAtMs = performance.now();
      tellParent({ kind: 'progress', share });
    },
    trainingProvider: specification.training.provider,
    spent({ tokens, steps, deviceSeconds: more }) {
      tokensSeen += tokens;
      gradientSteps += steps;
      if (more !== undefined) deviceSeconds = (deviceSeconds ?? 0) + more;
    },
    ...(smaller && { smaller }),
    ...(calibration && { calibration }),
    ...(training && { training }),
  };

  const meter = startCostMeter();
  const outcome = await compress();
  const cost = meter.read({ tokensSeen, gradientSteps, ...(deviceSeconds !== undefined && { deviceSeconds }) });
  const report: TrialReport = { notes, simulated, cost, outcome };
  writeFileSync(specification.reportPath, JSON.stringify(report));
  process.exit(0);

  async function compress(): Promise<Outcome<null>> {
    let compressed: Model;
    try {
      compressed = await method.compress(model, context as TrainedContext<Record<string, unknown>>);
    } catch (error) {
      return failureOf(error);
    }
    try {
      if (typeof compressed?.onnx !== 'object') {
        throw new InputError(`${method.id}: compress() must return a Model, got ${describe(compressed)}`);
      }
      writeFileSync(specification.artifactPath, writeModel(finishModel(compressed, context).onnx));
      return { status: 'completed', value: null };
    } catch (error) {
      return { status: 'invalid', reason: `the returned model cannot be written: ${explain(error)}` };
    }
  }
}

type TrialContext = Omit<TrainedContext<Record<string, unknown>>, 'calibration' | 'training'> &
  Partial<Pick<TrainedContext<Record<string, unknown>>, 'calibration' | 'training'>>;

async function loadMethod(file: string): Promise<Method> {
  const module = (await import(pathToFileURL(file).href)) as { readonly default?: Method };
  if (typeof module.default?.compress !== 'function') {
    throw new InputError(
      `${file}: expected a method as default export; end the file with export default defineMethod({ … })`,
    );
  }
  return module.default;
}

function readExamples(path: string | null): ExampleSet | undefined {
  return path === null ? undefined : readPreparedData<ExampleSet>(path);
}
