/**
 * Fine-tuning shared by all trained methods, so that two methods differ only in what their names say: AdamW, a linear
 * warm-up and half a cosine, all weights unless told otherwise. The order of the batches depends only on the training
 * set, so all methods see the same batches in the same order for the same seed.
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

/** The training budget of a method, and related parameters. */
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
        'Highest learning rate, reached after a tenth of the steps. A rate found by tune for the model takes precedence.',
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
  /** The dense model: determines the kind of task and the context length. */
  readonly model: Model;
  /** The graph to train; its inputs are the model's. */
  readonly onnx: OnnxModel;
  /** Default: the cross-entropy of the model's own task. */
  readonly loss?: Loss;
  /** Names of the initializers to train; default all named `….weight` or `….bias`. */
  readonly parameters?: readonly string[];
  readonly parameterOptions?: (name: string) => ParameterOptions;
  readonly hooks?: readonly Hook[];
  /** Further inputs of a step; `at` counts the steps of this training. */
  readonly feeds?: readonly FeedSource[];
  /**
   * The part of the budget to use where a method trains several times: batches continue from there. Default: all of it.
   */
  readonly stage?: { readonly first: number; readonly steps: number };
  /** Wraps the shared optimizer, to record more than it does by itself. */
  readonly observed?: (optimizer: Optimizer) => Optimizer;
}

export interface FineTuned {
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** Loss of each step. */
  readonly loss: readonly number[];
}

/** The same number on every machine, since the order of summation may depend on it. */
const THREADS = 2;
const WARM_UP_SHARE = 0.1;
/** Share of the steps that warm up. */
const FEWEST_STEPS = 2;
/** The cost of attention grows with the square of the length; this length suffices for training a decoder. */
const LONGEST_SEQUENCE = 256;

/** Trains within the budget, adds the work to the trial's cost, and stops at the trial's time limit. */
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

/** The number of gradient steps within the budget on this model. */
export function stepsOf(context: TrainedContext<Budget>, model: Model): number {
  const { batch, tokens } = context.params;
  return Math.max(FEWEST_STEPS, Math.round(tokens / (batch * sequenceOf(context, model))));
}

/** Tokens per row. */
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
      `${model.id}: fine-tuning an embedder needs pairs with a score, got examples of ${training.dataset} without one; train on a similarity dataset`,
    );
  }
  if (training.examples.some(({ label }) => label === undefined)) {
    throw new UnsupportedError(
      `${model.id}: fine-tuning an encoder needs examples with a label, got examples of ${training.dataset} without one; train on a classification dataset`,
    );
  }
  return tokenBatches({ ...shared, task: 'classification' });
}
