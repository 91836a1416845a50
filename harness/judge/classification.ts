/** Classification by an encoder: softmax over the logits of the classes, in float64; one text per run. */
import { InputError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { ClassificationItem } from '../../contracts/task-items.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { recordedOptions } from '../../engine/runtime/session-options.ts';
import { exampleFeeds } from '../../engine/runtime/token-feeds.ts';
import { elements, type NumericTensor } from '../../numerics/tensor/tensor.ts';
import { addItem, emptyItems, scoreDecision } from './item-score.ts';
import { PAIRED_OUTPUTS, pairedGraph } from './paired-graph.ts';
import type { Scores, ScoringTask } from './scoring-task.ts';

export interface ClassificationTask extends ScoringTask {
  readonly items: readonly ClassificationItem[];
}

/** Throws NumericalError naming item and class when a logit is not finite, InputError for items without such a class. */
export async function scoreClasses(task: ClassificationTask): Promise<Scores> {
  const { items, provider = 'cpu', signal, onProgress, ...models } = task;
  const { threads } = PROTOCOL.quality;
  const session = await createSession(pairedGraph(models), { threads, provider });
  try {
    const columns = emptyItems();
    for (const [index, item] of items.entries()) {
      const { id, label } = item;
      signal?.throwIfAborted();
      const outputs = await session.run(exampleFeeds(session.inputs, item));
      const weights = classLogits(id, outputs[PAIRED_OUTPUTS.logits]);
      const denseWeights = classLogits(id, outputs[PAIRED_OUTPUTS.denseLogits]);
      if (weights[label] === undefined) {
        throw new InputError(`item ${id}: label ${label}, but the model has ${weights.length} classes`);
      }
      addItem(columns, id, scoreDecision({ id, label, weights, denseWeights }));
      onProgress?.((index + 1) / items.length);
    }
    return { items: columns, sessionOptions: recordedOptions({ threads, provider }) };
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
