/** The named choices of models, tasks, variants, seeds and budgets that `run --suite` takes. */
import type { Limits } from '../../harness/plan/bench.ts';
import { TRAINING_BUDGETS } from '../../contracts/training-budgets.ts';
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
  /** Variants that train on more are left out; default none are. */
  readonly mostTokens?: number;
  readonly seeds: readonly number[];
  readonly limits: Limits;
}

/** Methods of both cost classes at sizes where they differ: as many as end within five minutes on two cores. */
const QUICK = [
  'dense',
  'smaller-dense/fp16',
  'fp16',
  'int8-dynamic/channel-e8',
  'rtn/w4g32',
  'gptq/w4g32',
  'gptq/w2g32',
  'qat/w2g32-t100k',
  'sparsegpt/s70',
  'gradual-magnitude/s70-t100k',
  'logit-kd/small-t100k',
] as const;

/** Budgets up to this one are measured night by night; a training on more takes a night by itself. */
const NIGHTLY_TOKENS = TRAINING_BUDGETS.t1m;
const BOTH_COST_CLASSES = ['low-cost', 'high-cost'] as const;

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

/** What MiniLM-L6 was fine-tuned to tell apart. */
const CLASSIFIERS = [
  { model: 'minilm-l6-sst2', calibration: 'sst2', tasks: ['sst2-classification-accuracy'] },
  { model: 'minilm-l6-mrpc', calibration: 'mrpc', tasks: ['mrpc-classification-accuracy', 'mrpc-f1'] },
  { model: 'minilm-l6-rte', calibration: 'rte', tasks: ['rte-classification-accuracy'] },
] as const;
const ENCODERS = [
  { model: 'minilm-l6', calibration: 'stsb', tasks: ['stsb-cosine-spearman'] },
  ...CLASSIFIERS,
] as const;

/** What decoders are calibrated with, and asked for. */
const TEXT = 'wikitext-2';
const TEXT_TASKS = ['wikitext-2-raw-perplexity'] as const;

/** Of suites whose models and budgets take hours. */
export const NIGHT_LIMITS: Limits = { trialTimeoutSeconds: 3600, judgeTimeoutSeconds: 1800, memoryBytes: 8 * 2 ** 30 };

/** Everything that a study compares, with three seeds. */
function suiteOf({ id, title, contests, relations }: Study): Suite {
  const variants = ['dense', ...new Set(relations.flatMap(({ first, second }) => [first, second]))];
  return {
    id,
    description: `study: ${title}`,
    entries: contests.map(({ model, calibration, task }) => ({ model, calibration, tasks: [task], variants })),
    seeds: [0, 1, 2],
    limits: NIGHT_LIMITS,
  };
}

export const suites: readonly Suite[] = [
  {
    id: 'quick',
    description:
      'the methods people try first, with and without training, on the embedded models: a leaderboard in minutes',
    entries: [
      {
        model: 'tinyworld-gpt',
        calibration: 'tinyworld',
        tasks: ['tinyworld-perplexity'],
        variants: QUICK,
      },
      {
        model: 'tinyworld-bert',
        calibration: 'tinyworld-entailment',
        tasks: ['tinyworld-entailment-classification-accuracy'],
        variants: ['dense', 'int8-dynamic/channel'],
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
    description: 'every variant of up to a million training tokens on every model, three seeds',
    mostTokens: NIGHTLY_TOKENS,
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
        variants: BOTH_COST_CLASSES,
      },
      {
        model: 'tinyworld-bert',
        calibration: 'tinyworld-entailment',
        tasks: ['tinyworld-entailment-classification-accuracy'],
        variants: BOTH_COST_CLASSES,
      },
      {
        model: 'stories260k',
        calibration: 'tinystories',
        tasks: ['tinystories-perplexity', 'wikitext-2-perplexity'],
        variants: BOTH_COST_CLASSES,
      },
      ...CLASSIFIERS.map((entry) => ({ ...entry, variants: BOTH_COST_CLASSES, onRequest: true })),
    ],
    seeds: [0, 1, 2],
    limits: NIGHT_LIMITS,
  },
  {
    id: 'standard-cpu',
    description:
      'models people ship that two cores run in a night: MiniLM-L6, its three classifiers, and GPT-2 with fewer methods',
    entries: [
      ...ENCODERS.map((entry) => ({ ...entry, variants: STANDARD_SUBSET })),
      { model: 'gpt2', calibration: TEXT, tasks: TEXT_TASKS, variants: STANDARD_SUBSET },
    ],
    seeds: [0],
    limits: NIGHT_LIMITS,
  },
  {
    id: 'standard',
    description: 'every low-cost variant on the models people ship: a night of 16 cores with a model hub',
    entries: [
      ...ENCODERS.map((entry) => ({ ...entry, variants: ['low-cost'] })),
      {
        model: 'distilbert-sst2',
        calibration: 'sst2',
        tasks: ['sst2-classification-accuracy'],
        variants: ['low-cost'],
      },
      ...standardModels
        .filter(({ kind }) => kind === 'decoder')
        .map(({ id }) => ({ model: id, calibration: TEXT, tasks: TEXT_TASKS, variants: ['low-cost'] })),
    ],
    seeds: [0],
    limits: { trialTimeoutSeconds: 7200, judgeTimeoutSeconds: 7200, memoryBytes: 24 * 2 ** 30 },
  },
  {
    id: 'ladder',
    description: 'every trained variant at every budget, up to 30 million tokens, on the embedded models, three seeds',
    entries: [
      {
        model: 'tinyworld-gpt',
        calibration: 'tinyworld',
        tasks: ['tinyworld-perplexity'],
        variants: ['dense', 'high-cost'],
      },
      {
        model: 'tinyworld-bert',
        calibration: 'tinyworld-entailment',
        tasks: ['tinyworld-entailment-classification-accuracy'],
        variants: ['dense', 'high-cost'],
      },
    ],
    seeds: [0, 1, 2],
    limits: { ...NIGHT_LIMITS, trialTimeoutSeconds: 4 * 3600 },
  },
  ...studies.map(suiteOf),
];
