/**
 * Perplexity of a candidate and its distance to dense, token by token on the same items: exp of the summed negative
 * log-likelihood over the predicted tokens of all items (the first token of an item is given, not predicted).
 */
import { InputError, NumericalError } from '../../contracts/errors.ts';
import type { Example } from '../../engine/definitions/method.ts';
import { present } from '../../contracts/present.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Distance, Quality } from '../../contracts/result.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { recordedOptions } from '../../engine/runtime/session-options.ts';
import { exampleFeeds } from '../../engine/runtime/token-feeds.ts';
import { elements, type NumericTensor } from '../../numerics/tensor/tensor.ts';
import { type ItemScore, addItem, emptyItems } from './item-score.ts';
import { SCORE_OUTPUTS, scoringGraph } from './scoring-graph.ts';
import type { Scores, ScoringTask } from './scoring-task.ts';

export interface PerplexityTask extends ScoringTask {
  /** Items, each at least two tokens. */
  readonly examples: readonly Pick<Example, 'tokens'>[];
  /** Names of the items, in order. */
  readonly ids: readonly string[];
}

export interface Evaluation extends Scores {
  readonly quality: Quality;
  readonly distance: Distance;
}

/**
 * Scores the items one by one. Throws NumericalError naming item and token when an output is not finite, InputError for
 * items that cannot be scored.
 */
export async function scorePerplexity(task: PerplexityTask): Promise<Scores> {
  const { examples, ids, provider = 'cpu', signal, onProgress } = task;
  requireItems(examples, ids);
  const { threads } = PROTOCOL.quality;
  const session = await createSession(scoringGraph(task), { threads, provider });
  try {
    const total = examples.reduce((sum, { tokens }) => sum + tokens.length, 0);
    const items = emptyItems();
    let done = 0;
    for (const [index, { tokens }] of examples.entries()) {
      signal?.throwIfAborted();
      const id = present(ids[index], `id of item ${index}`);
      addItem(items, id, scoreItem(id, tokens, await session.run(exampleFeeds(session.inputs, { tokens }))));
      done += tokens.length;
      onProgress?.(done / total);
    }
    return { items, sessionOptions: recordedOptions({ threads, provider }) };
  } finally {
    await session.release();
  }
}

type Outputs = Readonly<Record<string, NumericTensor>>;

function scoreItem(id: string, tokens: Int32Array, outputs: Outputs): ItemScore {
  const read = <D extends 'float32' | 'int64'>(name: string, dtype: D) =>
    elements(present(outputs[name], `output ${name}`), dtype);
  const loss = read(SCORE_OUTPUTS.negativeLogLikelihood, 'float32');
  const denseLoss = read(SCORE_OUTPUTS.denseNegativeLogLikelihood, 'float32');
  const divergence = read(SCORE_OUTPUTS.klDivergence, 'float32');
  const top = read(SCORE_OUTPUTS.top, 'int64');
  const denseTop = read(SCORE_OUTPUTS.denseTop, 'int64');
  let sameTop = 0;
  let correct = 0;
  let denseCorrect = 0;
  let correctToIncorrect = 0;
  let incorrectToCorrect = 0;
  for (let t = 0; t + 1 < tokens.length; t++) {
    const target = BigInt(present(tokens[t + 1], 'a token of an item'));
    const right = top[t] === target;
    const denseRight = denseTop[t] === target;
    if (top[t] === denseTop[t]) sameTop++;
    if (right) correct++;
    if (denseRight) denseCorrect++;
    if (denseRight && !right) correctToIncorrect++;
    if (right && !denseRight) incorrectToCorrect++;
  }
  return {
    tokens: tokens.length - 1,
    // Dense first: if the dense model fails, the artifact is not to blame.
    denseNegativeLogLikelihood: finiteSum(denseLoss, id, 'negative log-likelihood of the dense model'),
    negativeLogLikelihood: finiteSum(loss, id, 'negative log-likelihood of the artifact'),
    klDivergence: finiteSum(divergence, id, 'KL divergence of the artifact from dense'),
    sameTop,
    correct,
    denseCorrect,
    correctToIncorrect,
    incorrectToCorrect,
  };
}

/** Sum in float64. A non-finite logit anywhere in the vocabulary makes the loss or the divergence of its token non-finite. */
function finiteSum(values: Float32Array, id: string, what: string): number {
  let total = 0;
  for (const [t, value] of values.entries()) {
    if (!Number.isFinite(value)) {
      throw new NumericalError(
        `item ${id}: ${what} at token ${t + 1} of ${values.length} predicted ones is ${value}; ` +
          'the logits are not finite there, or too far apart for float32',
      );
    }
    total += value;
  }
  return total;
}

function requireItems(examples: readonly Pick<Example, 'tokens'>[], ids: readonly string[]): void {
  if (examples.length !== ids.length) {
    throw new InputError(`perplexity: expected one id per item, got ${examples.length} items and ${ids.length} ids`);
  }
  const short = examples.findIndex(({ tokens }) => tokens.length < 2);
  if (short >= 0) {
    throw new InputError(
      `perplexity: item ${ids[short]} has ${examples[short]?.tokens.length} token; one token predicts nothing, drop the item`,
    );
  }
}
