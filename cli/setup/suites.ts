/** The named choices of models, tasks, variants, seeds and budgets that `run --suite` takes. */
import type { Limits } from '../../harness/plan/bench.ts';
import { studies } from '../../studies/index.ts';
import type { Study } from '../../studies/study.ts';

export interface Suite {
  readonly id: string;
  readonly description: string;
  /** Commands without --model and --task mean the model and the first task of the first entry. */
  readonly entries: readonly {
    readonly model: string;
    /** Dataset that calibration and training examples are drawn from. */
    readonly calibration: string;
    readonly tasks: readonly string[];
    /** As findVariants() takes them. */
    readonly variants: readonly string[];
    /** Run only if `--models` names the model, because it must be downloaded. */
    readonly onRequest?: boolean;
  }[];
  readonly seeds: readonly number[];
  readonly limits: Limits;
}

/** One or two variants of the low-cost methods that people try first, and controls that none of them should lose to. */
const QUICK_LOW_COST = [
  'dense',
  'smaller-dense',
  'fp16',
  'rtn/w4g32',
  'rtn/w4g32-e4',
  'rtn/w2g32',
  'gptq/w4g32',
  'gptq/w2g32',
  'int8-dynamic/channel-e8',
  'random-mask/s50',
  'magnitude/s50',
  'magnitude/s70',
  'wanda/s50',
  'sparsegpt/s50',
  'sparsegpt/s70',
  'svd/p50',
  'svd-whitened/p50',
] as const;

/** High-cost methods with a small budget, at operating points that a low-cost method has too. */
const QUICK_HIGH_COST = [
  'gradual-magnitude/s70-t100k',
  'qat/w4g32-t100k',
  'qat/w2g32-t100k',
  'logit-kd/small-t100k',
  'student-no-kd/small-t100k',
  'svd-finetune/p50-t100k',
] as const;

const LONG: Limits = { trialTimeoutSeconds: 3600, judgeTimeoutSeconds: 1800, memoryBytes: 8 * 2 ** 30 };

/** Everything that a study compares, with three seeds. */
function suiteOf({ id, title, contests, relations }: Study): Suite {
  const variants = ['dense', ...new Set(relations.flatMap(({ first, second }) => [first, second]))];
  return {
    id,
    description: `study: ${title}`,
    entries: contests.map(({ model, calibration, task }) => ({ model, calibration, tasks: [task], variants })),
    seeds: [0, 1, 2],
    limits: LONG,
  };
}

export const suites: readonly Suite[] = [
  {
    id: 'quick',
    description:
      'the methods people try first, an operating point or two of each, on the embedded models: a leaderboard in minutes',
    entries: [
      {
        model: 'tinyworld-gpt',
        calibration: 'tinyworld',
        tasks: ['tinyworld-perplexity'],
        variants: [...QUICK_LOW_COST, ...QUICK_HIGH_COST],
      },
      {
        model: 'tinyworld-bert',
        calibration: 'tinyworld-entailment',
        tasks: ['tinyworld-entailment-classification-accuracy'],
        variants: ['dense', 'int8-dynamic/channel', 'sparsegpt/s70'],
      },
      {
        model: 'stories260k',
        calibration: 'tinystories',
        tasks: ['tinystories-perplexity'],
        variants: ['low-cost'],
        onRequest: true,
      },
    ],
    seeds: [0],
    limits: { trialTimeoutSeconds: 300, judgeTimeoutSeconds: 300, memoryBytes: 4 * 2 ** 30 },
  },
  {
    id: 'nightly',
    description: 'every low-cost variant on every model, three seeds',
    entries: [
      {
        model: 'tinyworld-gpt',
        calibration: 'tinyworld',
        tasks: [
          'tinyworld-perplexity',
          'tinyworld-facts-choice-accuracy',
          'tinyworld-grammar-choice-accuracy',
          'tinyworld-last-word-choice-accuracy',
        ],
        variants: ['low-cost'],
      },
      {
        model: 'tinyworld-bert',
        calibration: 'tinyworld-entailment',
        tasks: ['tinyworld-entailment-classification-accuracy'],
        variants: ['low-cost'],
      },
      {
        model: 'stories260k',
        calibration: 'tinystories',
        tasks: ['tinystories-perplexity', 'wikitext-2-perplexity'],
        variants: ['low-cost'],
      },
    ],
    seeds: [0, 1, 2],
    limits: LONG,
  },
  ...studies.map(suiteOf),
];
