/**
 * Multiple choice by a decoder, after Brown et al. 2020, https://arxiv.org/abs/2005.14165, section 2.4, and
 * EleutherAI's lm-evaluation-harness (metrics `acc` and `acc_norm`): the score of a continuation is the summed
 * log-probability of its tokens after the context, so that the softmax over the scores is the model's probability of
 * each continuation given that it is one of them. Every choice is a separate run, so that no padding or neighbour
 * changes an activation range.
 */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { ChoiceItem } from '../../contracts/task-items.ts';
import { recordedOptions } from '../../engine/runtime/session-options.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { type DenseWeights, keepDenseWeights } from './dense-scores.ts';
import { addItem, emptyItems, scoreDecision } from './item-score.ts';
import { openDecoder } from './open-decoder.ts';
import { type CandidateScoring, type DenseScoring, type ScoringRun, type Scores, optionsOf } from './scoring-task.ts';
import { openScorer, rowsBefore } from './token-scores.ts';

interface Choices {
  readonly items: readonly ChoiceItem[];
  /** The answer is the choice with the highest ln p per character, as `acc_norm` of lm-evaluation-harness. */
  readonly perCharacter: boolean;
}

/** Stores the dense model's score of each choice. Throws InputError for items that cannot be scored. */
export async function scoreDenseChoices({
  dense,
  folder,
  items,
  ...run
}: DenseScoring & Omit<Choices, 'perCharacter'>): Promise<void> {
  const weights: number[][] = [];
  await forEachItem(dense, items, run, (_, scores) => weights.push(scores));
  keepDenseWeights(folder, weights);
}

/** Throws NumericalError naming item and choice when a score is not finite, InputError for items that cannot be scored. */
export async function scoreChoices(task: CandidateScoring<DenseWeights> & Choices): Promise<Scores> {
  const { candidate, denseScores, items, perCharacter, ...run } = task;
  const columns = emptyItems();
  await forEachItem(candidate, items, run, ({ id, label, characters }, weights, index) => {
    const denseWeights = present(denseScores.weights[index], `dense scores of item ${id}`);
    addItem(
      columns,
      id,
      scoreDecision({ id, label, weights, denseWeights, ...(perCharacter && { divisors: characters }) }),
    );
  });
  return { items: columns, sessionOptions: recordedOptions(optionsOf(run)) };
}

/** Summed ln p of the tokens of each choice after the context, in float64, item by item. */
async function forEachItem(
  model: OnnxModel,
  items: readonly ChoiceItem[],
  { signal, onProgress, ...run }: ScoringRun,
  take: (item: ChoiceItem, weights: number[], index: number) => void,
): Promise<void> {
  for (const item of items) requireChoices(item);
  const decoder = await openDecoder(model, optionsOf(run));
  try {
    const scorer = await openScorer(decoder.head, optionsOf(run));
    try {
      for (const [index, item] of items.entries()) {
        const weights: number[] = [];
        for (const tokens of item.choices) {
          signal?.throwIfAborted();
          const start = present(item.starts[weights.length], `start of a choice of ${item.id}`);
          const values = rowsBefore(decoder.head, await decoder.run(tokens.subarray(0, -1)), start);
          const { negativeLogLikelihood } = await scorer.score(tokens.subarray(start), values);
          weights.push(-negativeLogLikelihood.reduce((sum, loss) => sum + loss, 0));
        }
        take(item, weights, index);
        onProgress?.((index + 1) / items.length);
      }
    } finally {
      await scorer.release();
    }
  } finally {
    await decoder.release();
  }
}

function requireChoices({ id, choices, starts, label }: ChoiceItem): void {
  const isScored = choices.every(({ length }, index) => {
    const start = starts[index] ?? 0;
    return start >= 1 && start < length;
  });
  if (choices.length >= 2 && isScored && choices[label] !== undefined) return;
  throw new InputError(
    `choice item ${id}: expected two choices or more, each with a token before it and one of its own, and a label ` +
      `among them; got lengths ${choices.map(({ length }) => length).join(', ')}, scored from ${starts.join(', ')}, and label ${label}`,
  );
}
