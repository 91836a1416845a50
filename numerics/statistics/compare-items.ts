/** Two artifacts on the same items: paired differences, their intervals and tests, from stored outcomes. */
import type { Metric } from '../../contracts/dataset.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Estimate, Items } from '../../contracts/result.ts';
import { bootstrapSums } from './bootstrap.ts';
import { createPairedSums } from './paired-sums.ts';
import { type Tier, rankTiers } from './rank-tiers.ts';
import { signFlipTest } from './significance.ts';
import { sum } from './statistics.ts';
import { qualityColumn, requireSameItems } from './item-statistics.ts';

const { bootstrapResamples: resamples, bootstrapSeed: seed, confidence } = PROTOCOL.quality;
const SIGNIFICANCE = 1 - confidence;

export interface PairedDifference {
  /** First minus second, with its interval. */
  readonly difference: Estimate;
  /** Two-sided sign-flip test over items. */
  readonly pValue: number;
  readonly significant: boolean;
}

/** Per decision: a predicted token, or a choice of continuation or class. */
export interface ItemComparison {
  /** Negative log-likelihood (for perplexity its logarithm), nats: below 0 the first is better. */
  readonly logPerplexity: PairedDifference;
  /** Share of right decisions: above 0 the first is better. */
  readonly correct: PairedDifference;
  /** KL(dense ‖ artifact), nats: below 0 the first is closer to dense. */
  readonly klDivergence: PairedDifference;
  /** Share of decisions with dense's most probable outcome: above 0 the first is closer to dense. */
  readonly sameTop: PairedDifference;
}

/** Throws InputError when the rows do not hold the same items. */
export function compareItems(first: Items, second: Items): ItemComparison {
  requireSameItems(first, second);
  const differences = {
    logPerplexity: subtract(first.negativeLogLikelihood, second.negativeLogLikelihood),
    klDivergence: subtract(first.klDivergence, second.klDivergence),
    sameTop: subtract(first.sameTop, second.sameTop),
    correct: subtract(first.correct, second.correct),
  };
  const estimates = bootstrapSums({
    columns: [first.tokens, ...Object.values(differences)],
    statistics: {
      logPerplexity: (tokens, loss) => (loss as number) / (tokens as number),
      klDivergence: (tokens, _loss, divergence) => (divergence as number) / (tokens as number),
      sameTop: (tokens, _loss, _divergence, same) => (same as number) / (tokens as number),
      correct: (tokens, _loss, _divergence, _same, correct) => (correct as number) / (tokens as number),
    },
    resamples,
    confidence,
    seed,
  });
  const paired = (name: keyof ItemComparison): PairedDifference => {
    const pValue = signFlipTest({ differences: differences[name], resamples, seed });
    return { difference: estimates[name], pValue, significant: pValue <= SIGNIFICANCE };
  };
  return {
    logPerplexity: paired('logPerplexity'),
    correct: paired('correct'),
    klDivergence: paired('klDivergence'),
    sameTop: paired('sameTop'),
  };
}

/** Many entries on the same items, any two of which can be compared; each is its index in the list given. */
export interface ItemPairing {
  /** First minus second in the metric's own column: see qualityColumn(). */
  compare(first: number, second: number): PairedDifference;
  /** Rank tiers of some of them, told apart by the paired test. */
  tiers(entries: readonly number[]): Tier<number>[];
}

/** Throws InputError when items differ. */
export function pairItems(entries: readonly Items[], metric: Metric): ItemPairing {
  const [reference] = entries;
  if (reference) for (const items of entries) requireSameItems(reference, items);
  const column = qualityColumn(metric);
  const higherIsBetter = metric !== 'perplexity';
  const sums = createPairedSums({
    weights: reference?.tokens ?? [],
    columns: entries.map((items) => items[column]),
    resamples,
    confidence,
    seed,
  });
  const qualities = entries.map((items) => sum(items[column]) / sum(items.tokens));
  return {
    compare(first, second) {
      const pValue = sums.pValue(first, second);
      return { difference: sums.difference(first, second), pValue, significant: pValue <= SIGNIFICANCE };
    },
    tiers: (ranked) =>
      rankTiers({
        entries: ranked,
        quality: (entry) => qualities[entry]!,
        higherIsBetter,
        significantlyWorse(entry, best) {
          const total = sums.total(entry, best);
          return (higherIsBetter ? total < 0 : total > 0) && sums.pValue(entry, best) <= SIGNIFICANCE;
        },
      }),
  };
}

function subtract(a: readonly number[], b: readonly number[]): Float64Array {
  return Float64Array.from(a, (value, i) => value - b[i]!);
}
