/** Two artifacts on the same items: paired differences, their intervals and tests, from stored outcomes. */
import { PROTOCOL } from '../contracts/protocol.ts';
import type { Estimate, Items } from '../contracts/result.ts';
import { bootstrapSums } from '../tensor/bootstrap.ts';
import { type Tier, rankTiers } from '../tensor/rank-tiers.ts';
import { signFlipTest } from '../tensor/significance.ts';
import { sum } from '../tensor/statistics.ts';
import { requireSameItems } from './item-statistics.ts';

const { bootstrapResamples: resamples, bootstrapSeed: seed, confidence } = PROTOCOL.quality;
const SIGNIFICANCE = 1 - confidence;

export interface PairedDifference {
  /** First minus second, with its interval. */
  readonly difference: Estimate;
  /** Two-sided sign-flip test over items. */
  readonly pValue: number;
  readonly significant: boolean;
}

export interface ItemComparison {
  /** Nats per token: below 0 the first is better. */
  readonly logPerplexity: PairedDifference;
  /** KL(dense ‖ artifact), nats per token: below 0 the first is closer to dense. */
  readonly klDivergence: PairedDifference;
  /** Share of tokens with dense's most probable next token: above 0 the first is closer to dense. */
  readonly sameTop: PairedDifference;
}

/** Throws InputError when the rows do not hold the same items. */
export function compareItems(first: Items, second: Items): ItemComparison {
  requireSameItems(first, second);
  const differences = {
    logPerplexity: subtract(first.negativeLogLikelihood, second.negativeLogLikelihood),
    klDivergence: subtract(first.klDivergence, second.klDivergence),
    sameTop: subtract(first.sameTop, second.sameTop),
  };
  const estimates = bootstrapSums({
    columns: [first.tokens, ...Object.values(differences)],
    statistics: {
      logPerplexity: (tokens, loss) => (loss as number) / (tokens as number),
      klDivergence: (tokens, _loss, divergence) => (divergence as number) / (tokens as number),
      sameTop: (tokens, _loss, _divergence, same) => (same as number) / (tokens as number),
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
    klDivergence: paired('klDivergence'),
    sameTop: paired('sameTop'),
  };
}

/** Rank tiers by log-perplexity, entries told apart by the paired test. Throws InputError when items differ. */
export function tierByPerplexity<T>(entries: readonly T[], itemsOf: (entry: T) => Items): Tier<T>[] {
  return rankTiers({
    entries,
    quality: (entry) => sum(itemsOf(entry).negativeLogLikelihood) / sum(itemsOf(entry).tokens),
    higherIsBetter: false,
    significantlyWorse(entry, best) {
      const [a, b] = [itemsOf(entry), itemsOf(best)];
      requireSameItems(a, b);
      const differences = subtract(a.negativeLogLikelihood, b.negativeLogLikelihood);
      return sum(differences) > 0 && signFlipTest({ differences, resamples, seed }) <= SIGNIFICANCE;
    },
  });
}

function subtract(a: readonly number[], b: readonly number[]): Float64Array {
  return Float64Array.from(a, (value, i) => value - (b[i] as number));
}
