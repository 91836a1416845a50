/** The named choices of models, tasks, variants, seeds and budgets that `run --suite` takes. */
import type { Limits } from '../../harness/plan/bench.ts';
import { standardModels } from '../../models/shared/standard-models.ts';
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

/** What a model with weights of its own is compressed by where time is short: one point of each kind of method. */
const STANDARD_SUBSET = [
  'dense',
  'fp16',
  'rtn/w8',
  'rtn/w4g32',
  'gptq/w4g32',
  'int8-dynamic/channel',
  'int8-dynamic/channel-e8',
  'int8-static/minmax',
  'random-mask/s50',
  'magnitude/s50',
  'wanda/s50',
  'sparsegpt/s50',
  'svd/p50',
  'svd-whitened/p50',
] as const;

/** Datasets that MiniLM-L6 is fine-tuned on. */
const CLASSIFIED = ['sst2', 'mrpc', 'rte'] as const;

/** What decoders are calibrated with, and asked for. */
const TEXT = 'wikitext-2';
const TEXT_TASKS = ['wikitext-2-raw-perplexity'] as const;

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
  {
    id: 'standard-cpu',
    description:
      'models people ship that two cores run in a night: MiniLM-L6, its three classifiers, and GPT-2 with fewer methods',
    entries: [
      ...CLASSIFIED.map((dataset) => ({
        model: `minilm-l6-${dataset}`,
        calibration: dataset,
        tasks: [`${dataset}-classification-accuracy`],
        variants: STANDARD_SUBSET,
      })),
      { model: 'minilm-l6', calibration: TEXT, tasks: [], variants: STANDARD_SUBSET },
      { model: 'gpt2', calibration: TEXT, tasks: TEXT_TASKS, variants: STANDARD_SUBSET },
    ],
    seeds: [0],
    limits: LONG,
  },
  {
    id: 'standard',
    description: 'every low-cost variant on the models people ship: a night of 16 cores with a model hub',
    entries: [
      ...CLASSIFIED.map((dataset) => ({
        model: `minilm-l6-${dataset}`,
        calibration: dataset,
        tasks: [`${dataset}-classification-accuracy`],
        variants: ['low-cost'],
      })),
      { model: 'minilm-l6', calibration: TEXT, tasks: [], variants: ['low-cost'] },
      ...standardModels.map(({ id }) => ({ model: id, calibration: TEXT, tasks: TEXT_TASKS, variants: ['low-cost'] })),
    ],
    seeds: [0],
    limits: { trialTimeoutSeconds: 7200, judgeTimeoutSeconds: 7200, memoryBytes: 24 * 2 ** 30 },
  },
  ...studies.map(suiteOf),
];
