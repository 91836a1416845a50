/**
 * Multiple choice by a decoder, after Brown et al. 2020, https://arxiv.org/abs/2005.14165, section 2.4, and the harness of
 * EleutherAI (metric `acc`): the score of a continuation is the summed log-probability of its tokens after the context,
 * not divided by its length, which makes the softmax over the scores the model's own probability of each continuation
 * given that it is one of them. Every choice is a run of its own, so that no padding or neighbour moves an activation range.
 */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { ChoiceItem } from '../../contracts/task-items.ts';
import { createSession, type Session } from '../../engine/runtime/session.ts';
import { recordedOptions } from '../../engine/runtime/session-options.ts';
import { exampleFeeds } from '../../engine/runtime/token-feeds.ts';
import { elements } from '../../numerics/tensor/tensor.ts';
import { addItem, emptyItems, scoreDecision } from './item-score.ts';
import type { Scores, ScoringTask } from './scoring-task.ts';
import { SCORE_OUTPUTS, scoringGraph } from './scoring-graph.ts';

export interface ChoiceTask extends ScoringTask {
  readonly items: readonly ChoiceItem[];
}

/** Throws NumericalError naming item and choice when a score is not finite, InputError for items that cannot be scored. */
export async function scoreChoices(task: ChoiceTask): Promise<Scores> {
  const { items, provider = 'cpu', signal, onProgress, ...models } = task;
  for (const item of items) requireChoices(item);
  const { threads } = PROTOCOL.quality;
  const graph = scoringGraph(models, ['negativeLogLikelihood', 'denseNegativeLogLikelihood']);
  const session = await createSession(graph, { threads, provider });
  try {
    const columns = emptyItems();
    for (const [index, { id, choices, start, label }] of items.entries()) {
      const weights: number[] = [];
      const denseWeights: number[] = [];
      for (const tokens of choices) {
        signal?.throwIfAborted();
        const score = await scoreContinuation(session, tokens, start);
        weights.push(score.artifact);
        denseWeights.push(score.dense);
      }
      addItem(columns, id, scoreDecision({ id, label, weights, denseWeights }));
      onProgress?.((index + 1) / items.length);
    }
    return { items: columns, sessionOptions: recordedOptions({ threads, provider }) };
  } finally {
    await session.release();
  }
}

/** Summed ln p of the tokens from `start` on, in float64. */
async function scoreContinuation(
  session: Session,
  tokens: Int32Array,
  start: number,
): Promise<{ readonly artifact: number; readonly dense: number }> {
  const outputs = await session.run(exampleFeeds(session.inputs, { tokens }));
  const summed = (name: string): number => {
    // Entry t is −ln p of token t + 1.
    const losses = elements(present(outputs[name], `output ${name}`), 'float32').subarray(start - 1);
    return -losses.reduce((sum, loss) => sum + loss, 0);
  };
  return {
    artifact: summed(SCORE_OUTPUTS.negativeLogLikelihood),
    dense: summed(SCORE_OUTPUTS.denseNegativeLogLikelihood),
  };
}

function requireChoices({ id, choices, start, label }: ChoiceItem): void {
  const isScored = choices.every(({ length }) => start >= 1 && start < length);
  if (choices.length >= 2 && isScored && choices[label] !== undefined) return;
  throw new InputError(
    `choice item ${id}: expected two choices or more, each longer than the ${start} tokens before it (at least 1), and a ` +
      `label among them; got lengths ${choices.map(({ length }) => length).join(', ')} and label ${label}`,
  );
}
