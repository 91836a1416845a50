/**
 * Perplexity of a candidate and its distance to dense, token by token on the same items: exp of the summed negative
 * log-likelihood over the predicted tokens of all items (the first token of an item is given, not predicted).
 */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { TextItem } from '../../contracts/task-items.ts';
import { recordedOptions } from '../../engine/runtime/session-options.ts';
import { type DenseValues, createDenseValues } from './dense-scores.ts';
import { type ItemScore, addItem, emptyItems } from './item-score.ts';
import { openDecoder } from './open-decoder.ts';
import { type CandidateScoring, type DenseScoring, type ScoringRun, type Scores, optionsOf } from './scoring-task.ts';
import { type PairedTokenScores, finiteSum, openPairedScorer, rowsBefore } from './token-scores.ts';

/** Items, each at least two tokens. */
interface Texts {
  readonly items: readonly TextItem[];
}

/** Stores the inputs of the dense model's head. Throws InputError for items that cannot be scored. */
export async function scoreDenseTexts({ dense, folder, items, ...run }: DenseScoring & Texts): Promise<void> {
  requireItems(items);
  const decoder = await openDecoder(dense, optionsOf(run));
  const values = createDenseValues(folder, decoder.head);
  try {
    await forEachText(items, run, async ({ tokens, start = 1 }) =>
      values.add(rowsBefore(decoder.head, await decoder.run(tokens.subarray(0, -1)), start)),
    );
    values.finish();
  } finally {
    values.close();
    await decoder.release();
  }
}

/**
 * Scores the items one by one. Throws NumericalError naming item and token when an output is not finite, InputError for
 * items that cannot be scored, UnsupportedError for a head that cannot be merged with dense's.
 */
export async function scoreTexts(task: CandidateScoring<DenseValues> & Texts): Promise<Scores> {
  const { candidate, denseScores, items, ...run } = task;
  requireItems(items);
  const options = optionsOf(run);
  const decoder = await openDecoder(candidate, options);
  try {
    const scorer = await openPairedScorer({ dense: denseScores.head, candidate: decoder.head }, options);
    try {
      const columns = emptyItems();
      await forEachText(items, run, async (item, index) => {
        const { id, tokens, start = 1 } = item;
        const values = rowsBefore(decoder.head, await decoder.run(tokens.subarray(0, -1)), start);
        const scores = await scorer.score(tokens.subarray(start), values, denseScores.valuesOf(index));
        addItem(columns, id, item.whole ? wholeScore(textScore(item, scores)) : textScore(item, scores));
      });
      return { items: columns, sessionOptions: recordedOptions(options) };
    } finally {
      await scorer.release();
    }
  } finally {
    await decoder.release();
  }
}

async function forEachText(
  items: readonly TextItem[],
  { signal, onProgress }: ScoringRun,
  score: (item: TextItem, index: number) => Promise<void>,
): Promise<void> {
  const total = items.reduce((sum, { tokens }) => sum + tokens.length, 0);
  let done = 0;
  for (const [index, item] of items.entries()) {
    signal?.throwIfAborted();
    await score(item, index);
    done += item.tokens.length;
    onProgress?.(done / total);
  }
}

function textScore({ id, tokens, start = 1 }: TextItem, scores: PairedTokenScores): ItemScore {
  const { top, denseTop } = scores;
  let sameTop = 0;
  let correct = 0;
  let denseCorrect = 0;
  let correctToIncorrect = 0;
  let incorrectToCorrect = 0;
  for (let t = 0; t + start < tokens.length; t++) {
    const target = BigInt(present(tokens[t + start], 'a token of an item'));
    const right = top[t] === target;
    const denseRight = denseTop[t] === target;
    if (top[t] === denseTop[t]) sameTop++;
    if (right) correct++;
    if (denseRight) denseCorrect++;
    if (denseRight && !right) correctToIncorrect++;
    if (right && !denseRight) incorrectToCorrect++;
  }
  const { negativeLogLikelihood, denseNegativeLogLikelihood, klDivergence } = scores;
  return {
    tokens: tokens.length - start,
    // Dense first: if the dense model fails, the artifact is not to blame.
    denseNegativeLogLikelihood: finiteSum(denseNegativeLogLikelihood, id, 'negative log-likelihood of the dense model'),
    negativeLogLikelihood: finiteSum(negativeLogLikelihood, id, 'negative log-likelihood of the artifact'),
    klDivergence: finiteSum(klDivergence, id, 'KL divergence of the artifact from dense'),
    sameTop,
    correct,
    denseCorrect,
    correctToIncorrect,
    incorrectToCorrect,
  };
}

/** All predicted tokens as one decision: correct, or the same as dense, where every token is. */
function wholeScore({ tokens, sameTop, correct, denseCorrect, ...sums }: ItemScore): ItemScore {
  const right = Number(correct === tokens);
  const denseRight = Number(denseCorrect === tokens);
  return {
    ...sums,
    tokens: 1,
    sameTop: Number(sameTop === tokens),
    correct: right,
    denseCorrect: denseRight,
    correctToIncorrect: Number(denseRight > right),
    incorrectToCorrect: Number(right > denseRight),
  };
}

function requireItems(items: readonly TextItem[]): void {
  const short = items.find(({ tokens, start = 1 }) => tokens.length <= start || start < 1);
  if (short !== undefined) {
    throw new InputError(
      `perplexity: item ${short.id} has ${short.tokens.length} tokens and predicts none from ${short.start ?? 1} on; drop the item`,
    );
  }
}
