/** The score of one test item, and the columns of scores that a row stores. */
import { NumericalError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { Items } from '../../contracts/result.ts';

export interface ItemScore {
  readonly tokens: number;
  readonly negativeLogLikelihood: number;
  readonly denseNegativeLogLikelihood: number;
  readonly klDivergence: number;
  readonly sameTop: number;
  readonly correct: number;
  readonly denseCorrect: number;
  readonly correctToIncorrect: number;
  readonly incorrectToCorrect: number;
  readonly target?: number;
  readonly prediction?: number;
  readonly densePrediction?: number;
  readonly confidence?: number;
  readonly denseConfidence?: number;
}

export type ItemColumns = { -readonly [K in keyof Omit<Items, 'slices'>]: Items[K] };

export function emptyItems(): ItemColumns {
  return {
    ids: [],
    tokens: [],
    negativeLogLikelihood: [],
    denseNegativeLogLikelihood: [],
    klDivergence: [],
    sameTop: [],
    correct: [],
    denseCorrect: [],
    correctToIncorrect: [],
    incorrectToCorrect: [],
  };
}

/** With the columns of predicted scores. */
export function emptyScoreItems(): ItemColumns {
  return { ...emptyItems(), target: [], prediction: [], densePrediction: [] };
}

/** With the columns of predicted classes. */
export function emptyClassItems(): ItemColumns {
  return { ...emptyScoreItems(), confidence: [], denseConfidence: [] };
}

export function addItem(items: ItemColumns, id: string, score: ItemScore): void {
  items.ids.push(id);
  for (const [column, value] of Object.entries(score)) {
    present(items[column as keyof ItemScore], `column ${column} of the items`).push(value);
  }
}

/**
 * The score of one choice among several, from the log-weight of each under artifact and dense, in nats up to a
 * constant: −ln p of the correct one and KL(dense ‖ artifact) after softmax over the choices, in float64. A decision is
 * correct only if the label's weight is above every other's, so ties count as wrong.
 * Throws NumericalError naming item and choice for a weight that is not finite.
 */
export function scoreDecision(decision: {
  readonly id: string;
  readonly label: number;
  readonly weights: readonly number[];
  readonly denseWeights: readonly number[];
  /** Divisor of the weights for finding the highest; the probabilities use the undivided weights. */
  readonly divisors?: readonly number[];
}): ItemScore {
  const { id, label, weights, denseWeights, divisors } = decision;
  // Dense first: if the dense model fails, the artifact is not to blame.
  requireFinite(id, 'the dense model', denseWeights);
  requireFinite(id, 'the artifact', weights);
  const p = logSoftmax(denseWeights);
  const q = logSoftmax(weights);
  const divided = (all: readonly number[]): readonly number[] =>
    divisors === undefined ? all : all.map((weight, i) => weight / present(divisors[i], `divisor ${i} of item ${id}`));
  const ranked = divided(weights);
  const denseRanked = divided(denseWeights);
  const right = isHighest(ranked, label);
  const denseRight = isHighest(denseRanked, label);
  return {
    tokens: 1,
    negativeLogLikelihood: -present(q[label], `choice ${label} of item ${id}`),
    denseNegativeLogLikelihood: -present(p[label], `choice ${label} of item ${id}`),
    klDivergence: p.reduce(
      (sum, logP, i) => sum + Math.exp(logP) * (logP - present(q[i], `choice ${i} of item ${id}`)),
      0,
    ),
    sameTop: Number(ranked.indexOf(Math.max(...ranked)) === denseRanked.indexOf(Math.max(...denseRanked))),
    correct: Number(right),
    denseCorrect: Number(denseRight),
    correctToIncorrect: Number(denseRight && !right),
    incorrectToCorrect: Number(right && !denseRight),
  };
}

/** As scoreDecision(), with each side's predicted class and its probability. */
export function scoreClass(decision: Parameters<typeof scoreDecision>[0]): ItemScore {
  const [own, dense] = [predictedClass(decision.weights), predictedClass(decision.denseWeights)];
  return {
    ...scoreDecision(decision),
    target: decision.label,
    prediction: own.label,
    densePrediction: dense.label,
    confidence: own.confidence,
    denseConfidence: dense.confidence,
  };
}

/** The class whose weight is above every other's, −1 for a tie; and the largest probability. */
function predictedClass(weights: readonly number[]): { readonly label: number; readonly confidence: number } {
  const highest = weights.indexOf(Math.max(...weights));
  const confidence = Math.exp(Math.max(...logSoftmax(weights)));
  return { label: highest >= 0 && isHighest(weights, highest) ? highest : -1, confidence };
}

/** The score of a pair or text by artifact and dense, under the normal distribution of variance 1 around it: see itemsSchema. */
export function scorePrediction(scores: {
  readonly target: number;
  readonly prediction: number;
  readonly densePrediction: number;
}): ItemScore {
  const { target, prediction, densePrediction } = scores;
  return {
    tokens: 1,
    negativeLogLikelihood: (prediction - target) ** 2 / 2,
    denseNegativeLogLikelihood: (densePrediction - target) ** 2 / 2,
    klDivergence: (prediction - densePrediction) ** 2 / 2,
    sameTop: 0,
    correct: 0,
    denseCorrect: 0,
    correctToIncorrect: 0,
    incorrectToCorrect: 0,
    target,
    prediction,
    densePrediction,
  };
}

function isHighest(weights: readonly number[], label: number): boolean {
  const labelled = present(weights[label], `choice ${label}`);
  return weights.every((weight, i) => i === label || weight < labelled);
}

function logSoftmax(weights: readonly number[]): readonly number[] {
  const highest = Math.max(...weights);
  const logSum = Math.log(weights.reduce((sum, weight) => sum + Math.exp(weight - highest), 0));
  return weights.map((weight) => weight - highest - logSum);
}

function requireFinite(id: string, side: string, weights: readonly number[]): void {
  const bad = weights.findIndex((weight) => !Number.isFinite(weight));
  if (bad < 0) return;
  throw new NumericalError(
    `item ${id}: ${side} gives choice ${bad + 1} of ${weights.length} the score ${weights[bad]}; ` +
      'its logits are not finite there, or too far apart for float32',
  );
}
