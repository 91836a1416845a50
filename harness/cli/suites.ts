/** The named choices of models, tasks, variants, seeds and budgets that `run --suite` takes. */
import type { Limits } from '../jobs/execute.ts';

export interface Suite {
  readonly id: string;
  readonly description: string;
  readonly entries: readonly {
    readonly model: string;
    /** Dataset that calibration and training examples are drawn from. */
    readonly calibration: string;
    readonly tasks: readonly string[];
    /** As findVariants() takes them. */
    readonly variants: readonly string[];
  }[];
  readonly seeds: readonly number[];
  readonly limits: Limits;
}

export const suites: readonly Suite[] = [
  {
    id: 'quick',
    description: 'every low-cost variant once on stories260K: a leaderboard in minutes',
    entries: [
      { model: 'stories260k', calibration: 'tinystories', tasks: ['tinystories-perplexity'], variants: ['low-cost'] },
    ],
    seeds: [0],
    limits: { trialTimeoutSeconds: 300, judgeTimeoutSeconds: 300, memoryBytes: 4 * 2 ** 30 },
  },
  {
    id: 'nightly',
    description: 'every low-cost variant, three seeds, both perplexities',
    entries: [
      {
        model: 'stories260k',
        calibration: 'tinystories',
        tasks: ['tinystories-perplexity', 'wikitext-2-perplexity'],
        variants: ['low-cost'],
      },
    ],
    seeds: [0, 1, 2],
    limits: { trialTimeoutSeconds: 3600, judgeTimeoutSeconds: 1800, memoryBytes: 8 * 2 ** 30 },
  },
];
