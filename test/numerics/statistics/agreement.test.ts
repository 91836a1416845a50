import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AgreementMetric } from '../../../contracts/dataset.ts';
import type { Items } from '../../../contracts/result.ts';
import {
  agreementStatistic,
  leaveOneOut,
  pseudoValues,
  wholeStatistic,
} from '../../../numerics/statistics/agreement.ts';
import { bootstrapStatistic, bootstrapSums } from '../../../numerics/statistics/bootstrap.ts';
import { outcomeValues, summarizeItems } from '../../../numerics/statistics/item-statistics.ts';
import { pairEntries } from '../../../numerics/statistics/pair-entries.ts';
import { mean, variance } from '../../../numerics/statistics/statistics.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';

interface Case {
  readonly target: readonly number[];
  readonly prediction: readonly number[];
  readonly weights: readonly number[];
  readonly [figure: string]: number | readonly number[];
}
/** Made by test/golden/scripts/agreement.py. */
const golden = JSON.parse(readFileSync(new URL('../../golden/agreement.json', import.meta.url), 'utf8')) as {
  readonly classes: readonly Case[];
  readonly scores: readonly Case[];
};

function expectGolden(metric: AgreementMetric, given: Case, figure: string): void {
  const statistic = agreementStatistic(metric, given);
  const weighted = `weighted${figure.charAt(0).toUpperCase()}${figure.slice(1)}`;
  expect(wholeStatistic(statistic)).toBeCloseTo(given[figure] as number, 12);
  expect(statistic.of(Float64Array.from(given.weights))).toBeCloseTo(given[weighted] as number, 12);
}

describe('agreementStatistic', () => {
  it('equals scikit-learn on classes, with weights too', () => {
    for (const given of golden.classes) {
      expectGolden('matthews-correlation', given, 'matthews');
      if ('f1' in given) expectGolden('f1', given, 'f1');
    }
  });

  it('equals scipy on scores with ties, and on items that count several times', () => {
    for (const given of golden.scores) {
      expectGolden('pearson-correlation', given, 'pearson');
      expectGolden('spearman-correlation', given, 'spearman');
      expectGolden('cosine-spearman', given, 'spearman');
    }
  });

  it('is 0 where it is undefined', () => {
    const constant = { prediction: [0, 0, 0], target: [0, 1, 0] };
    for (const metric of ['f1', 'matthews-correlation', 'pearson-correlation', 'spearman-correlation'] as const) {
      expect(wholeStatistic(agreementStatistic(metric, constant)), metric).toBe(0);
    }
  });

  it('leaves out one item with the same result as copying the others', () => {
    const [given] = golden.scores;
    const without = leaveOneOut(agreementStatistic('spearman-correlation', given!));
    const others = (column: readonly number[]) => column.filter((_, i) => i !== 7);
    const copied = { prediction: others(given!.prediction), target: others(given!.target) };
    expect(without[7]).toBeCloseTo(wholeStatistic(agreementStatistic('spearman-correlation', copied)), 12);
    const [classes] = golden.classes;
    const keyed = agreementStatistic('f1', classes!);
    const { items, of } = keyed;
    expect(leaveOneOut(keyed)).toEqual(leaveOneOut({ items, of }));
  });
});

describe('pseudoValues', () => {
  it('have the statistic as mean, and equal the items for a mean over items', () => {
    const statistic = agreementStatistic('pearson-correlation', golden.scores[0]!);
    expect(mean(pseudoValues(statistic))).toBeCloseTo(wholeStatistic(statistic), 12);
    const values = [3, 1, 4, 1, 5];
    const average = (weights: Float64Array) =>
      weights.reduce((sum, weight, i) => sum + weight * values[i]!, 0) / weights.reduce((sum, weight) => sum + weight);
    pseudoValues({ items: 5, of: average }).forEach((value, i) => expect(value).toBeCloseTo(values[i]!, 12));
  });

  it('give the bootstrap’s standard error', () => {
    const random = createRandom('agreement');
    const target = Array.from({ length: 400 }, () => random.normal());
    const prediction = target.map((value) => value + random.normal());
    for (const metric of ['pearson-correlation', 'spearman-correlation'] as const) {
      const statistic = agreementStatistic(metric, { prediction, target });
      const { low, high } = bootstrapStatistic({ statistic, resamples: 1000, confidence: 0.95, seed: 'x' });
      const error = Math.sqrt(variance(pseudoValues(statistic)) / statistic.items);
      expect((high - low) / (2 * 1.96)).toBeGreaterThan(0.9 * error);
      expect((high - low) / (2 * 1.96)).toBeLessThan(1.1 * error);
    }
  });
});

describe('bootstrapStatistic', () => {
  it('draws the same items as bootstrapSums', () => {
    const values = Array.from({ length: 50 }, (_, i) => Math.sin(i));
    const options = { resamples: 200, confidence: 0.95, seed: 'protocol' };
    const ofSums = bootstrapSums({
      ...options,
      columns: [values, values.map(() => 1)],
      statistics: { mean: (sum = 0, count = 1) => sum / count },
    }).mean;
    const of = (weights: Float64Array) => weights.reduce((sum, weight, i) => sum + weight * values[i]!, 0) / 50;
    // Left out, an item is missing from the count as well.
    const meanOf = (weights: Float64Array) => (of(weights) * 50) / weights.reduce((sum, weight) => sum + weight);
    const found = bootstrapStatistic({ ...options, statistic: { items: 50, of: meanOf } });
    for (const end of ['value', 'low', 'high'] as const) expect(found[end]).toBeCloseTo(ofSums[end], 12);
  });
});

describe('items with predictions', () => {
  const { target, prediction } = golden.scores[0]!;
  const zeros = target.map(() => 0);
  const itemsWith = (own: readonly number[]): Items => ({
    ids: target.map((_, i) => `item-${i}`),
    tokens: target.map(() => 1),
    negativeLogLikelihood: own.map((value, i) => (value - target[i]!) ** 2 / 2),
    denseNegativeLogLikelihood: [...zeros],
    klDivergence: own.map((value, i) => (value - prediction[i]!) ** 2 / 2),
    sameTop: [...zeros],
    correct: [...zeros],
    denseCorrect: [...zeros],
    correctToIncorrect: [...zeros],
    incorrectToCorrect: [...zeros],
    target: [...target],
    prediction: [...own],
    densePrediction: [...prediction],
  });
  const dense = itemsWith(prediction);
  const noisy = itemsWith(prediction.map((value, i) => value + 0.3 * Math.sin(37 * i)));
  const metric = 'spearman-correlation';

  it('have a quality and a comparison with dense', () => {
    const { quality } = summarizeItems(noisy, { metric });
    expect(quality.dense).toBeCloseTo(golden.scores[0]!['spearman'] as number, 12);
    expect(quality.estimate.low).toBeLessThan(quality.estimate.value);
    expect(quality.estimate.high).toBeGreaterThan(quality.estimate.value);
    expect(quality.estimate.value).toBeLessThan(quality.dense);
  });

  it('are compared by the difference of the metric', () => {
    const entries = [noisy, dense].map((items) => ({
      bySeed: [items],
      seeds: 'same artifact' as const,
      seedNumbers: [0],
    }));
    const found = pairEntries(entries, { metric }).compare(0, 1)!;
    const [own, other] = [noisy, dense].map((items) => summarizeItems(items, { metric }).quality.estimate.value);
    expect(found.difference.value).toBeCloseTo(own! - other!, 12);
    expect(found.pValue).toBeLessThan(0.05);
  });

  it('are refused without predictions, by name', () => {
    const { prediction: _, ...without } = noisy;
    expect(() => outcomeValues(without, { metric })).toThrow('spearman-correlation: the outcomes hold no prediction');
  });
});
