/**
 * Metrics of agreement between predictions and targets that are not means over items: F1, Matthews' correlation,
 * Pearson's and Spearman's. Each is a function of the items' weights, so that items can be resampled or left out
 * without copying them.
 * Where a metric is undefined (a class or a score that never varies) it is 0, as scikit-learn does for F1 and Matthews.
 */
import { InputError } from '../../contracts/errors.ts';
import type { AgreementMetric } from '../../contracts/dataset.ts';

/** A statistic of weighted items; a weight is the number of times an item counts. */
export interface ItemStatistic {
  readonly items: number;
  /** weights: [items] */
  of(weights: Float64Array): number;
  /** Items with equal keys are interchangeable; absent where no two are. */
  readonly keyOf?: (item: number) => string;
}

export interface Agreement {
  /** Class or score predicted by the model. [items] */
  readonly prediction: ArrayLike<number>;
  /** Correct class, or the score given by people. [items] */
  readonly target: ArrayLike<number>;
}

/** Throws InputError when the columns differ in length. */
export function agreementStatistic(metric: AgreementMetric, { prediction, target }: Agreement): ItemStatistic {
  if (prediction.length !== target.length) {
    throw new InputError(
      `${metric}: expected one target per prediction, got ${prediction.length} and ${target.length}`,
    );
  }
  const items = prediction.length;
  const keyOf = (item: number) => `${prediction[item]} ${target[item]}`;
  switch (metric) {
    case 'f1':
      return { items, of: f1(prediction, target), keyOf };
    case 'matthews-correlation':
      return { items, of: matthewsCorrelation(prediction, target), keyOf };
    case 'pearson-correlation':
      return { items, of: (weights) => pearson(weights, prediction, target) };
    case 'spearman-correlation':
    case 'cosine-spearman':
      return { items, of: spearmanCorrelation(prediction, target) };
  }
}

type WeightedStatistic = ItemStatistic['of'];

/** F1 of class 1: 2 · true positives / (2 · true positives + false positives + false negatives). */
function f1(prediction: ArrayLike<number>, target: ArrayLike<number>): WeightedStatistic {
  return (weights) => {
    let right = 0;
    let wrong = 0;
    for (let i = 0; i < weights.length; i++) {
      const [found, is] = [prediction[i] === 1, target[i] === 1];
      if (found && is) right += weights[i]!;
      else if (found || is) wrong += weights[i]!;
    }
    return right === 0 ? 0 : (2 * right) / (2 * right + wrong);
  };
}

/** Matthews' correlation for any number of classes: Gorodkin 2004, Comput. Biol. Chem. 28, equation 8. */
function matthewsCorrelation(prediction: ArrayLike<number>, target: ArrayLike<number>): WeightedStatistic {
  return (weights) => {
    const predicted = new Map<number, number>();
    const actual = new Map<number, number>();
    let right = 0;
    let total = 0;
    for (let i = 0; i < weights.length; i++) {
      const [found, is, weight] = [prediction[i]!, target[i]!, weights[i]!];
      predicted.set(found, (predicted.get(found) ?? 0) + weight);
      actual.set(is, (actual.get(is) ?? 0) + weight);
      total += weight;
      if (found === is) right += weight;
    }
    let both = 0;
    let ofPredicted = 0;
    let ofTrue = 0;
    for (const [label, count] of predicted) {
      both += count * (actual.get(label) ?? 0);
      ofPredicted += count ** 2;
    }
    for (const count of actual.values()) ofTrue += count ** 2;
    const spread = (total ** 2 - ofPredicted) * (total ** 2 - ofTrue);
    return spread <= 0 ? 0 : (right * total - both) / Math.sqrt(spread);
  };
}

/** Pearson's correlation, in two passes. */
function pearson(weights: Float64Array, x: ArrayLike<number>, y: ArrayLike<number>): number {
  let total = 0;
  let meanX = 0;
  let meanY = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    total += weight;
    meanX += weight * x[i]!;
    meanY += weight * y[i]!;
  }
  meanX /= total;
  meanY /= total;
  let ofX = 0;
  let ofY = 0;
  let both = 0;
  for (let i = 0; i < weights.length; i++) {
    const [weight, dx, dy] = [weights[i]!, x[i]! - meanX, y[i]! - meanY];
    ofX += weight * dx * dx;
    ofY += weight * dy * dy;
    both += weight * dx * dy;
  }
  return ofX > 0 && ofY > 0 ? both / Math.sqrt(ofX * ofY) : 0;
}

/** Spearman's correlation: Pearson's of the ranks, where equal values share their mean rank. */
function spearmanCorrelation(prediction: ArrayLike<number>, target: ArrayLike<number>): WeightedStatistic {
  const [first, second] = [ranker(prediction), ranker(target)];
  return (weights) => pearson(weights, first(weights), second(weights));
}

/** Sorts once; the ranks of weighted items then take one pass. */
function ranker(values: ArrayLike<number>): (weights: Float64Array) => Float64Array {
  const order = Uint32Array.from(values, (_, index) => index).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  return (weights) => {
    let below = 0;
    for (let start = 0; start < order.length;) {
      const value = values[order[start]!];
      let end = start;
      let equal = 0;
      for (; end < order.length && values[order[end]!] === value; end++) equal += weights[order[end]!]!;
      for (let at = start; at < end; at++) ranks[order[at]!] = below + (equal + 1) / 2;
      below += equal;
      start = end;
    }
    return ranks;
  };
}

/** The statistic with every item counted once. */
export function wholeStatistic({ items, of }: ItemStatistic): number {
  return of(new Float64Array(items).fill(1));
}

/** The statistic without item i, [items]. */
export function leaveOneOut({ items, of, keyOf }: ItemStatistic): Float64Array {
  const weights = new Float64Array(items).fill(1);
  const known = new Map<string, number>();
  return Float64Array.from({ length: items }, (_, i) => {
    const key = keyOf?.(i) ?? String(i);
    const found = known.get(key);
    if (found !== undefined) return found;
    weights[i] = 0;
    const value = of(weights);
    weights[i] = 1;
    known.set(key, value);
    return value;
  });
}

/**
 * One value per item whose mean is the statistic and whose variance over items is the jackknife's (Efron & Tibshirani
 * 1993, An Introduction to the Bootstrap, equation 11.5, on pseudo-values shifted to that mean), so that comparisons of
 * means over items apply to the statistic too.
 */
export function pseudoValues(statistic: ItemStatistic): Float64Array {
  const value = wholeStatistic(statistic);
  const without = leaveOneOut(statistic);
  const centre = without.reduce((sum, each) => sum + each, 0) / statistic.items;
  return without.map((each) => value + (statistic.items - 1) * (centre - each));
}
