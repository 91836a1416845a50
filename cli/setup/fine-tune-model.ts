/** Carries out a recipe of fine-tuning: from the base model and the dataset's rows to the files of a classifier and its accuracy. */
import { IntegrityError } from '../../contracts/errors.ts';
import type { DatasetRow, Splits } from '../../contracts/dataset.ts';
import { present } from '../../contracts/present.ts';
import type { FineTuningRecipe } from '../../engine/definitions/fine-tuning.ts';
import type { Model, ModelDefinition, Tokenizer } from '../../engine/definitions/model.ts';
import type { HubAccess } from '../../engine/hub/hub-client.ts';
import { encodeExamples } from '../../engine/model/draw-examples.ts';
import { filesInMemory } from '../../engine/model/files-in-memory.ts';
import { modelFiles } from '../../engine/model/load-model.ts';
import { taskItems } from '../../engine/model/task-items.ts';
import { bucketedBatches } from '../../engine/training/bucketed-batches.ts';
import { taskLoss } from '../../engine/training/loss.ts';
import { adamW } from '../../engine/training/optimizer.ts';
import { cosineSchedule } from '../../engine/training/schedule.ts';
import { train, type TrainingProgress } from '../../engine/training/train.ts';
import { evaluateTask } from '../../harness/judge/evaluate-task.ts';
import { startingClassifier, trainedClassifier } from '../../models/shared/fine-tuned/classifier-files.ts';
import { readTokenizerJson } from '../../models/shared/tokenizer-json.ts';
import { buildTransformersModel } from '../../models/shared/transformers-model.ts';
import { createRandom } from '../../numerics/tensor/random.ts';
import { findDataset } from './registry.ts';
import { readCheckpoint, writeCheckpoint } from './training-checkpoint.ts';

export interface FineTuning {
  readonly id: string;
  readonly base: ModelDefinition;
  readonly recipe: FineTuningRecipe;
  readonly hub: HubAccess;
  /** File that the state of the training is kept in, so that it can go on from there. Default: it is not kept. */
  readonly checkpoint?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

export interface FineTunedFiles {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Of rows held out of the published training split, which recipes are chosen on. */
  readonly heldOut: Accuracy;
  /** Of the dataset's test split, which nothing was chosen on: where test labels are not public, the published validation split. */
  readonly test: Accuracy;
}

export interface Accuracy {
  readonly rows: number;
  readonly accuracy: number;
  /** 95 % interval. */
  readonly low: number;
  readonly high: number;
}

/** Steps between two writings of the checkpoint. */
const STEPS_PER_CHECKPOINT = 80;

/** Throws IntegrityError for a dataset with other rows than the recipe's. */
export async function fineTune({
  id,
  base,
  recipe,
  hub,
  checkpoint,
  signal,
  onProgress,
}: FineTuning): Promise<FineTunedFiles> {
  const dataset = findDataset(recipe.dataset);
  if (dataset.contentHash !== recipe.contentHash) {
    throw new IntegrityError(
      `model ${id}: its recipe is for ${dataset.id} with content hash ${recipe.contentHash}, the dataset has ${dataset.contentHash}; make a new recipe`,
    );
  }
  const random = createRandom(`${recipe.seed}/classifier`);
  const start = await startingClassifier(modelFiles(base, hub), { classes: recipe.classes, random });
  const model = await buildTransformersModel(id, filesInMemory(id, start), { contextLimit: Infinity });
  const tokenizer = await readTokenizerJson(filesInMemory(id, start));
  const splits = await dataset.load(hub);
  const feeds = batchesOf(splits, { recipe, tokenizer });
  const { steps, learningRate, warmUpSteps, weightDecay, frozenEmbedding, threads } = recipe;
  const from = checkpoint === undefined ? undefined : await readCheckpoint(checkpoint);
  const trained = await train({
    model: model.onnx,
    loss: taskLoss(model),
    feeds: [feeds],
    optimizer: adamW({ weightDecay }),
    schedule: cosineSchedule({ peak: learningRate, warmUp: warmUpSteps, steps }),
    steps,
    threads,
    tokensPerBatch: feeds.tokensPerBatch,
    frozen: frozenEmbedding ? [model.roles.embedding.weight] : [],
    ...(from && { from }),
    hooks:
      checkpoint === undefined
        ? []
        : [{ every: STEPS_PER_CHECKPOINT, run: (view) => writeCheckpoint(checkpoint, view) }],
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  const result = model.withOnnx(trained.model);
  const accuracyOn = async (rows: readonly DatasetRow[]): Promise<Accuracy> => {
    const task = present(dataset.tasks[0], `task of ${dataset.id}`);
    const items = taskItems(task, rows, { tokenizer, kind: model.kind, contextLength: model.contextLength });
    const { quality } = await evaluateTask({
      dense: result.onnx,
      candidate: result.onnx,
      task: items,
      ...(signal && { signal }),
    });
    const { value, low, high } = quality.estimate;
    return { rows: rows.length, accuracy: value, low, high };
  };
  return {
    files: trainedClassifier(start, result),
    heldOut: await accuracyOn(splits.validation),
    test: await accuracyOn(splits.test),
  };
}

function batchesOf(
  { calibration, training }: Splits,
  { recipe, tokenizer }: { readonly recipe: FineTuningRecipe; readonly tokenizer: Tokenizer },
) {
  const kind: Model['kind'] = 'encoder';
  const encoding = { tokenizer, kind, contextLength: recipe.longest };
  return bucketedBatches({
    examples: encodeExamples({ ...encoding, dataset: recipe.dataset, rows: [...calibration, ...training] }),
    batch: recipe.batch,
    longest: recipe.longest,
    seed: recipe.seed,
    padding: present(tokenizer.padding, 'padding token'),
    task: 'classification',
    inputs: ['attention_mask', 'token_type_ids'],
  });
}
