/** Classification by an encoder: softmax over the logits of the classes, in float64; one text per run. */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { ClassificationItem } from '../../contracts/task-items.ts';
import { createMappedSession } from '../../engine/runtime/mapped-session.ts';
import { recordedOptions } from '../../engine/runtime/session-options.ts';
import { exampleFeeds } from '../../engine/runtime/token-feeds.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { elements, type NumericTensor } from '../../numerics/tensor/tensor.ts';
import { type DenseWeights, keepDenseWeights } from './dense-scores.ts';
import { addItem, emptyItems, scoreDecision } from './item-score.ts';
import { type CandidateScoring, type DenseScoring, type ScoringRun, type Scores, optionsOf } from './scoring-task.ts';

interface Texts {
  readonly items: readonly ClassificationItem[];
}

/** Keeps the dense model's logits. Throws what scoreClasses throws. */
export async function scoreDenseClasses({ dense, folder, items, ...run }: DenseScoring & Texts): Promise<void> {
  const weights: number[][] = [];
  await forEachItem(dense, items, run, (_, logits) => weights.push(logits));
  keepDenseWeights(folder, weights);
}

/** Throws NumericalError naming item and class when a logit is not finite, InputError for items without such a class. */
export async function scoreClasses(task: CandidateScoring<DenseWeights> & Texts): Promise<Scores> {
  const { candidate, denseScores, items, ...run } = task;
  const columns = emptyItems();
  await forEachItem(candidate, items, run, ({ id, label }, weights, index) => {
    const denseWeights = present(denseScores.weights[index], `dense scores of item ${id}`);
    addItem(columns, id, scoreDecision({ id, label, weights, denseWeights }));
  });
  return { items: columns, sessionOptions: recordedOptions(optionsOf(run)) };
}

async function forEachItem(
  model: OnnxModel,
  items: readonly ClassificationItem[],
  { signal, onProgress, ...run }: ScoringRun,
  take: (item: ClassificationItem, logits: number[], index: number) => void,
): Promise<void> {
  const { scratch, ...options } = optionsOf(run);
  const session = await createMappedSession(model, { ...options, ...(scratch && { scratch }) });
  try {
    for (const [index, item] of items.entries()) {
      signal?.throwIfAborted();
      const { logits } = await session.run(exampleFeeds(session.inputs, item), { outputs: ['logits'] });
      const weights = classLogits(item.id, logits);
      if (weights[item.label] === undefined) {
        throw new InputError(`item ${item.id}: label ${item.label}, but the model has ${weights.length} classes`);
      }
      take(item, weights, index);
      onProgress?.((index + 1) / items.length);
    }
  } finally {
    await session.release();
  }
}

function classLogits(id: string, logits: NumericTensor | undefined): number[] {
  if (logits?.dims.length !== 2) {
    throw new InputError(
      `item ${id}: classification takes an encoder with logits [1, classes], got [${logits?.dims.join(', ')}]`,
    );
  }
  return Array.from(elements(logits, 'float32'));
}
