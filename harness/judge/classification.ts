/** Classification by an encoder: softmax over the logits of the classes, in float64; one text per run. */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { ClassificationItem } from '../../contracts/task-items.ts';
import { recordedOptions } from '../../engine/runtime/session-options.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { type DenseWeights, keepDenseWeights } from './dense-scores.ts';
import { addItem, emptyClassItems, scoreClass } from './item-score.ts';
import { forEachEncoded } from './run-encoder.ts';
import { type CandidateScoring, type DenseScoring, type ScoringRun, type Scores, optionsOf } from './scoring-task.ts';

interface Texts {
  readonly items: readonly ClassificationItem[];
}

/** Stores the dense model's logits. Throws the errors of scoreClasses. */
export async function scoreDenseClasses({ dense, folder, items, ...run }: DenseScoring & Texts): Promise<void> {
  const weights: number[][] = [];
  await forEachItem(dense, items, run, (_, logits) => weights.push(logits));
  keepDenseWeights(folder, weights);
}

/** Throws NumericalError naming item and class when a logit is not finite, InputError for items without such a class. */
export async function scoreClasses(task: CandidateScoring<DenseWeights> & Texts): Promise<Scores> {
  const { candidate, denseScores, items, ...run } = task;
  const columns = emptyClassItems();
  await forEachItem(candidate, items, run, ({ id, label }, weights, index) => {
    const denseWeights = present(denseScores.weights[index], `dense scores of item ${id}`);
    addItem(columns, id, scoreClass({ id, label, weights, denseWeights }));
  });
  return { items: columns, sessionOptions: recordedOptions(optionsOf(run)) };
}

function forEachItem(
  model: OnnxModel,
  items: readonly ClassificationItem[],
  run: ScoringRun,
  take: (item: ClassificationItem, logits: number[], index: number) => void,
): Promise<void> {
  return forEachEncoded(model, items, run, async (item, encode, index) => {
    const logits = await encode(item);
    if (logits[item.label] === undefined) {
      throw new InputError(`item ${item.id}: label ${item.label}, but the model has ${logits.length} classes`);
    }
    take(item, logits, index);
  });
}
