/** Writes the models and datasets of a plan as files for child processes, each once per run. */
import type { DatasetDefinition, ModelHub, Splits, TaskDefinition } from '../../contracts/dataset.ts';
import type { Model, ModelDefinition, Tokenizer } from '../../engine/definitions/model.ts';
import type { TaskItems } from '../../contracts/task-items.ts';
import { seededExamples } from '../../engine/model/draw-examples.ts';
import type { Encoding } from '../../engine/model/encode-row.ts';
import { loadModel, loadSmallerModel, loadTokenizer, modelRevision } from '../../engine/model/load-model.ts';
import { taskItems } from '../../engine/model/task-items.ts';
import { digestOf } from '../../contracts/canonical-json.ts';
import { type PreparedModel, prepareData, prepareModel } from './prepared-inputs.ts';
import type { Workspace } from './workspace.ts';

export interface Preparer {
  model(definition: ModelDefinition): Promise<PreparedModel>;
  /** Path of examples of the calibration split, drawn with the seed: every method gets the same ones. */
  calibration(model: ModelDefinition, dataset: DatasetDefinition, seed: number): Promise<string>;
  training(model: ModelDefinition, dataset: DatasetDefinition, seed: number): Promise<string>;
  test(model: ModelDefinition, dataset: DatasetDefinition, task: TaskDefinition): Promise<string>;
  /** True for the first caller with this name. */
  isFirst(name: string): boolean;
}

export function createPreparer(workspace: Workspace, hub: ModelHub): Preparer {
  const remembered = new Map<string, Promise<unknown>>();
  const asked = new Set<string>();
  function once<T>(name: string, make: () => Promise<T>): Promise<T> {
    const known = remembered.get(name) ?? make();
    remembered.set(name, known);
    return known as Promise<T>;
  }
  const dense = (definition: ModelDefinition): Promise<Model> =>
    once(`dense ${definition.id}`, () => loadModel(definition, hub));
  const tokenizerOf = (definition: ModelDefinition): Promise<Tokenizer> =>
    once(`tokenizer ${definition.id}`, () => loadTokenizer(definition, hub));
  const splitsOf = (dataset: DatasetDefinition): Promise<Splits> =>
    once(`dataset ${dataset.id}`, () => dataset.load(hub));

  async function encodingOf(definition: ModelDefinition): Promise<Encoding> {
    const { contextLength, kind } = await dense(definition);
    return { tokenizer: await tokenizerOf(definition), contextLength, kind };
  }

  async function draw(
    split: 'calibration' | 'training',
    parts: { readonly model: ModelDefinition; readonly dataset: DatasetDefinition; readonly seed: number },
  ): Promise<string> {
    const { model, dataset, seed } = parts;
    const examples = seededExamples({
      split,
      seed,
      dataset: dataset.id,
      rows: (await splitsOf(dataset))[split],
      ...(await encodingOf(model)),
    });
    return prepareData(workspace, `${split}-${dataset.id}-${model.id}`, examples.contentHash, examples);
  }

  return {
    model: (definition) =>
      once(`model ${definition.id}`, async () => {
        const revision = modelRevision(definition);
        const prepared = await prepareModel(workspace, await dense(definition), revision);
        const smaller = await loadSmallerModel(definition, hub);
        return smaller ? { ...prepared, smaller: await prepareModel(workspace, smaller, revision) } : prepared;
      }),
    calibration: (model, dataset, seed) =>
      once(`calibration ${model.id} ${dataset.id} ${seed}`, () => draw('calibration', { model, dataset, seed })),
    training: (model, dataset, seed) =>
      once(`training ${model.id} ${dataset.id} ${seed}`, () => draw('training', { model, dataset, seed })),
    test: (model, dataset, task) =>
      once(`test ${model.id} ${task.id}`, async () => {
        const items = taskItems(task, (await splitsOf(dataset)).test, await encodingOf(model));
        return prepareData(workspace, `test-${task.id}-${model.id}`, hashItems(items), items);
      }),
    isFirst: (name) => !asked.has(name) && asked.add(name).has(name),
  };
}

/** SHA-256 over all fields of the items, tokens as numbers. */
function hashItems(items: TaskItems): string {
  return digestOf(
    JSON.parse(JSON.stringify(items, (_, value) => (ArrayBuffer.isView(value) ? [...(value as Int32Array)] : value))),
  );
}
