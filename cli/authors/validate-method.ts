/**
 * Scores a method on a model's validation split, which is what parameters are chosen on; test items choose nothing:
 *   npx node cli/authors/validate-method.ts gptq/w4g32 'magnitude {"sparsity": 0.6}' [--model tinyworld-gpt] [--seed 0]
 * Each argument is a variant, or a method and its parameters as JSON. Model, data and draws are those of a run.
 */
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import * as v from 'valibot';
import { InputError } from '../../contracts/errors.ts';
import type { Method, TrainedContext } from '../../engine/definitions/method.ts';
import { findDataset, findModel, findTask, findVariants } from '../setup/registry.ts';
import { homeOf } from '../setup/home.ts';
import { withMadeFiles } from '../setup/made-files.ts';
import { suites } from '../setup/suites.ts';
import { evaluateTask } from '../../harness/judge/evaluate-task.ts';
import { createHubClient } from '../../engine/hub/hub-client.ts';
import { measureSize } from '../../harness/measure/size.ts';
import { seededExamples } from '../../engine/model/draw-examples.ts';
import { loadModel, loadSmallerModel, loadTokenizer } from '../../engine/model/load-model.ts';
import { taskItems } from '../../engine/model/task-items.ts';
import { writeModel } from '../../numerics/onnx/write.ts';
import { createRandom } from '../../numerics/tensor/random.ts';

const { values: options, positionals } = parseArgs({
  options: { model: { type: 'string', default: 'tinyworld-gpt' }, seed: { type: 'string', default: '0' } },
  allowPositionals: true,
});
const seed = Number(options.seed);
const definition = withMadeFiles(findModel(options.model), homeOf(undefined));
const entry = suites.flatMap(({ entries }) => entries).find(({ model }) => model === definition.id);
if (!entry) throw new InputError(`no suite has the model ${definition.id}, so nothing says what it is calibrated on`);

const hub = createHubClient();
const model = await loadModel(definition, hub);
const smaller = await loadSmallerModel(definition, hub);
const encoding = {
  tokenizer: await loadTokenizer(definition, hub),
  contextLength: model.contextLength,
  kind: model.kind,
};
const dataset = findDataset(entry.calibration);
const splits = await dataset.load(hub);
const examplesOf = (split: 'calibration' | 'training') =>
  seededExamples({ ...encoding, split, seed, dataset: dataset.id, rows: splits[split] });
const [calibration, training] = [examplesOf('calibration'), examplesOf('training')];
const { task, dataset: scored } = findTask(entry.tasks[0] ?? '');
const items = taskItems(task, (await scored.load(hub)).validation, encoding);
const sizeOf = async (onnx: typeof model.onnx) =>
  (await measureSize(writeModel(onnx), { tiedEmbedding: model.roles.head === undefined })).zstdBytes;
const denseBytes = await sizeOf(model.onnx);

const table = new Table({
  style: { head: [], border: [] },
  head: ['method', `validation ${task.metric}`, '95 % interval', 'Δ loss', 'smaller', 'seconds'],
});
for (const argument of positionals) {
  for (const { method, name, params } of choices(argument)) {
    const startedMs = performance.now();
    const compressed = await method.compress(model, contextOf(method, name, params));
    const seconds = (performance.now() - startedMs) / 1000;
    const { quality, distance } = await evaluateTask({ dense: model.onnx, candidate: compressed.onnx, task: items });
    const { value, low, high } = quality.estimate;
    table.push([
      `${method.id} ${name}`,
      value.toFixed(4),
      `${low.toFixed(3)} to ${high.toFixed(3)}`,
      distance.deltaLogPerplexity.value.toFixed(4),
      `${(denseBytes / (await sizeOf(compressed.onnx))).toFixed(2)}×`,
      seconds.toFixed(1),
    ]);
    console.error(`${method.id} ${name}: ${value.toFixed(4)}, ${seconds.toFixed(1)} s`);
  }
}
console.log(`${definition.id}, ${task.id}, validation split, seed ${seed}`);
console.log(table.toString());

interface Choice {
  readonly method: Method;
  readonly name: string;
  readonly params: Readonly<Record<string, unknown>>;
}

function choices(argument: string): readonly Choice[] {
  const [, id = argument, json] = /^(\S+)\s+(\{.*\})$/s.exec(argument) ?? [];
  const units = findVariants([id]);
  if (json === undefined) {
    return units.map(({ unit: { method }, variant }) => ({
      method,
      name: variant,
      params: method.variants[variant] ?? {},
    }));
  }
  const method = units[0]?.unit.method;
  return method ? [{ method, name: json, params: JSON.parse(json) as Record<string, unknown> }] : [];
}

function contextOf(method: Method, name: string, params: Choice['params']): TrainedContext<Record<string, unknown>> {
  return {
    params: v.parse(method.params, params),
    random: createRandom(`${method.id}/${name}/${seed}`),
    signal: new AbortController().signal,
    note: (text) => console.error(`${method.id} ${name}: ${text}`),
    simulated: (reason) => console.error(`${method.id} ${name}: simulated: ${reason}`),
    progress: () => {},
    trainingProvider: 'cpu',
    spent: () => {},
    ...(smaller && { smaller }),
    calibration,
    training,
  };
}
