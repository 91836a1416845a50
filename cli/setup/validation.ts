/** Runs methods on a model in this process and scores them on the validation split: what choices are made on, never test items. */
import * as v from 'valibot';
import { InputError } from '../../contracts/errors.ts';
import type { Method, TrainedContext } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { createHubClient } from '../../engine/hub/hub-client.ts';
import { seededExamples } from '../../engine/model/draw-examples.ts';
import { finishModel } from '../../engine/model/finish-model.ts';
import { loadModel, loadSmallerModel, loadTokenizer } from '../../engine/model/load-model.ts';
import { taskItems } from '../../engine/model/task-items.ts';
import { evaluateTask } from '../../harness/judge/evaluate-task.ts';
import { createRandom } from '../../numerics/tensor/random.ts';
import { homeOf } from './home.ts';
import { withMadeFiles } from './made-files.ts';
import { findDataset, findModel, findTask } from './registry.ts';
import { suites } from './suites.ts';

export interface Trained {
  readonly compressed: Model;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Training tokens. */
  readonly tokens: number;
}

export interface Validation {
  readonly model: Model;
  readonly task: string;
  /** Compresses as a run would, with the model, data and draws of a run. */
  compress(method: Method, params: Readonly<Record<string, unknown>>, name: string): Promise<Trained>;
  evaluate(compressed: Model): ReturnType<typeof evaluateTask>;
}

export interface ValidationOptions {
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** What a method remarks, after its name. */
  readonly remark: (text: string) => void;
}

/** Throws InputError for a model that no suite calibrates. */
export async function openValidation(modelId: string, options: ValidationOptions): Promise<Validation> {
  const { seed, remark, signal = new AbortController().signal } = options;
  const definition = withMadeFiles(findModel(modelId), homeOf(undefined));
  const entry = suites.flatMap(({ entries }) => entries).find(({ model }) => model === definition.id);
  if (!entry)
    throw new InputError(
      `no suite contains the model ${definition.id}, so its calibration data is unknown; add it to a suite`,
    );
  const hub = createHubClient();
  const model = await loadModel(definition, hub);
  const smaller = await loadSmallerModel(definition, hub);
  const { contextLength, kind } = model;
  const encoding = { tokenizer: await loadTokenizer(definition, hub), contextLength, kind };
  const dataset = findDataset(entry.calibration);
  const splits = await dataset.load(hub);
  const examplesOf = (split: 'calibration' | 'training') =>
    seededExamples({ ...encoding, split, seed, dataset: dataset.id, rows: splits[split] });
  const [calibration, training] = [examplesOf('calibration'), examplesOf('training')];
  const { task, dataset: scored } = findTask(entry.tasks[0] ?? '');
  const items = taskItems(task, (await scored.load(hub)).validation, encoding);
  return {
    model,
    task: task.id,
    async compress(method, params, name) {
      let tokens = 0;
      const context: TrainedContext<Record<string, unknown>> = {
        params: v.parse(method.params, params),
        random: createRandom(`${method.id}/${name}/${seed}`),
        signal,
        note: (text) => remark(`${method.id} ${name}: ${text}`),
        simulated: (reason) => remark(`${method.id} ${name}: simulated: ${reason}`),
        progress: () => {},
        trainingProvider: 'cpu',
        spent: (work) => void (tokens += work.tokens),
        ...(smaller && { smaller }),
        calibration,
        training,
      };
      const [startedMs, before] = [performance.now(), process.cpuUsage()];
      const compressed = finishModel(await method.compress(model, context), context);
      const { user, system } = process.cpuUsage(before);
      return { compressed, tokens, seconds: (performance.now() - startedMs) / 1000, cpuSeconds: (user + system) / 1e6 };
    },
    evaluate: (compressed) => evaluateTask({ dense: model.onnx, candidate: compressed.onnx, task: items, signal }),
  };
}
