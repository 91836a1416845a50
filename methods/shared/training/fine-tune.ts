/**
 * Fine-tuning as every trained method here does it, so that two of them differ in nothing but what they are named for:
 * AdamW, a linear warm-up and half a cosine, all weights unless told otherwise. The order of the batches follows from the
 * training set alone, so all methods see the same batches in the same order for the same seed.
 */
import * as v from 'valibot';
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { TrainedContext } from '../../../engine/definitions/method.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { type Batches, tokenBatches } from '../../../engine/training/batches.ts';
import type { FeedSource } from '../../../engine/training/feed-source.ts';
import { type Loss, taskLoss } from '../../../engine/training/loss.ts';
import { adamW, type Optimizer } from '../../../engine/training/optimizer.ts';
import { cosineSchedule } from '../../../engine/training/schedule.ts';
import type { ParameterOptions } from '../../../engine/training/slots.ts';
import { type Hook, train } from '../../../engine/training/train.ts';

export { taskLoss };

/** The dial of a method that trains, and what goes with it. */
export const budgetParameters = {
  tokens: v.pipe(
    v.number(),
    v.integer(),
    v.minValue(1),
    v.description('Training tokens, padding included; at least two steps are made of them.'),
  ),
  learningRate: v.optional(
    v.pipe(
      v.number(),
      v.gtValue(0),
      v.description(
        'Highest learning rate, reached after a tenth of the steps. The rate that tune found for the model goes before it.',
      ),
    ),
    5e-4,
  ),
  batch: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.description('Sequences of tokens per step.')), 8),
} as const;

export interface Budget {
  readonly tokens: number;
  readonly learningRate: number;
  readonly batch: number;
}

export interface FineTuning {
  /** The dense model: which kind it is and how long its inputs may be. */
  readonly model: Model;
  /** What is trained; its inputs are the model's. */
  readonly onnx: OnnxModel;
  /** Default: the cross-entropy of the model's own task. */
  readonly loss?: Loss;
  /** Names of the initializers to train; default all named `….weight` or `….bias`. */
  readonly parameters?: readonly string[];
  readonly parameterOptions?: (name: string) => ParameterOptions;
  readonly hooks?: readonly Hook[];
  /** What enters a step besides the batch; `at` counts the steps of this training. */
  readonly feeds?: readonly FeedSource[];
  /** The part of the budget it takes where a method trains several times: batches go on from there. Default all of it. */
  readonly stage?: { readonly first: number; readonly steps: number };
  /** The optimizer that all share, made to keep more than it does by itself. */
  readonly observed?: (optimizer: Optimizer) => Optimizer;
}

export interface FineTuned {
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** Of each step. */
  readonly loss: readonly number[];
}

/** As many on every machine, since the order of summation may follow it. */
const THREADS = 2;
const WARM_UP_SHARE = 0.1;
/** Of which the first warms up. */
const FEWEST_STEPS = 2;
/** Attention grows with the square of the length; texts of this length show a decoder what it needs. */
const LONGEST_SEQUENCE = 256;

/** Trains within the budget, counts it into the trial's cost, and stops when the trial's time is over. */
export async function fineTune(context: TrainedContext<Budget>, tuning: FineTuning): Promise<FineTuned> {
  const { params, signal, progress, spent, trainingProvider: provider } = context;
  const { model, onnx, loss = taskLoss(model), parameters, parameterOptions, hooks, feeds = [], observed } = tuning;
  const total = stepsOf(context, model);
  const { first, steps } = tuning.stage ?? { first: 0, steps: total };
  signal.throwIfAborted();
  const { learningRate: peak } = params;
  const batches = batchesFor(context, model);
  let counted = 0;
  const trained = await train({
    model: onnx,
    loss,
    feeds: [{ ...batches, at: (index) => batches.at(first + index) }, ...feeds],
    optimizer: observed ? observed(adamW()) : adamW(),
    schedule: cosineSchedule({ peak, warmUp: Math.round(WARM_UP_SHARE * steps), steps }),
    steps,
    signal,
    threads: THREADS,
    provider,
    ...(parameters && { parameters }),
    ...(parameterOptions && { parameterOptions }),
    ...(hooks && { hooks }),
    onProgress({ step }) {
      spent({ steps: step - counted, tokens: (step - counted) * batches.tokensPerBatch });
      counted = step;
      progress((first + step) / total);
    },
  });
  const { deviceSeconds } = trained;
  if (deviceSeconds !== undefined) spent({ steps: 0, tokens: 0, deviceSeconds });
  return { parameters: trained.parameters, loss: trained.history.loss };
}

/** The gradient steps that the budget gives on this model. */
export function stepsOf(context: TrainedContext<Budget>, model: Model): number {
  const { batch, tokens } = context.params;
  return Math.max(FEWEST_STEPS, Math.round(tokens / (batch * sequenceOf(context, model))));
}

/** Tokens of a row. */
function sequenceOf({ training }: TrainedContext<Budget>, { kind, contextLength }: Model): number {
  if (kind === 'decoder') return Math.min(contextLength, LONGEST_SEQUENCE);
  return Math.min(
    contextLength,
    training.examples.reduce((most, { tokens }) => Math.max(most, tokens.length), 1),
  );
}

function batchesFor(context: TrainedContext<Budget>, model: Model): Batches {
  const { training } = context;
  const { batch } = context.params;
  const inputs = (['attention_mask', 'token_type_ids'] as const).filter((name) =>
    model.onnx.graph.inputs.some((input) => input.name === name),
  );
  const sequence = sequenceOf(context, model);
  const shared = { examples: training, batch, sequence, seed: training.contentHash, inputs };
  if (model.kind === 'decoder') return tokenBatches({ ...shared, arrangement: 'pack' });
  if (model.kind === 'embedder') {
    if (training.examples.every(({ partner, score }) => partner && score !== undefined)) {
      return tokenBatches({ ...shared, task: 'similarity' });
    }
    throw new UnsupportedError(
      `${model.id}: an embedder is fine-tuned on pairs with a score, and examples of ${training.dataset} have none; train on a similarity dataset`,
    );
  }
  if (training.examples.some(({ label }) => label === undefined)) {
    throw new UnsupportedError(
      `${model.id}: an encoder is fine-tuned on classes, and examples of ${training.dataset} have no label; train on a classification dataset`,
    );
  }
  return tokenBatches({ ...shared, task: 'classification' });
}
