/** A compression method: one file, one object. Its access class determines, by type, which data it may read. */
import type * as v from 'valibot';
import type { Random } from '../../numerics/tensor/random.ts';
import type { Access, Family, Paper } from '../../contracts/taxonomy.ts';
import type { Model } from './model.ts';
import type { Provider } from '../../contracts/runner.ts';
import { type ParamsSchema, type SharedInput, withSharedParameters } from './shared-parameters.ts';

/** A token sequence as the model gets it, special tokens included. */
export interface Example {
  /** [sequence], at most the model's context length. */
  readonly tokens: Int32Array;
  /** Index of the first token of the second segment, where an encoder's input has one. */
  readonly secondSegment?: number;
  readonly label?: number;
  /** For an embedder's pair: the other text, and how similar people rated the two. */
  readonly partner?: Int32Array;
  readonly score?: number;
}

export interface ExampleSet {
  readonly dataset: string;
  /** SHA-256 over the tokens drawn. */
  readonly contentHash: string;
  readonly examples: readonly Example[];
  readonly tokenCount: number;
}

export interface DataFreeContext<P> {
  readonly params: P;
  /** A smaller dense model of the same kind and tokenizer, trained in the same way; absent where the model has none. */
  readonly smaller?: Model;
  /** The trial's random number generator. */
  readonly random: Random;
  /** Aborted at the trial's time limit; long loops call `signal.throwIfAborted()`. */
  readonly signal: AbortSignal;
  /** Adds a remark to the row, shown on the board. For simulated artifacts call simulated(). */
  note(text: string): void;
  /** Marks the artifact as simulated, with the reason: its size or speed is not what the method would really give. */
  simulated(reason: string): void;
  /** Progress of the work, 0 to 1, for the bar in the terminal. */
  progress(share: number): void;
}

export interface CalibratedContext<P> extends DataFreeContext<P> {
  readonly calibration: ExampleSet;
}

export interface TrainedContext<P> extends CalibratedContext<P> {
  readonly training: ExampleSet;
  /** Where training runs; pass it to train(). */
  readonly trainingProvider: Provider;
  /**
   * Adds work done since the last call to the trial's cost: training tokens processed, gradient steps made, seconds a
   * device was held.
   */
  spent(work: { readonly tokens: number; readonly steps: number; readonly deviceSeconds?: number }): void;
}

export interface ContextByAccess<P> {
  readonly 'data-free': DataFreeContext<P>;
  readonly calibrated: CalibratedContext<P>;
  readonly gradient: CalibratedContext<P>;
  readonly trained: TrainedContext<P>;
}

export interface MethodDefinition<A extends Access, S extends ParamsSchema> {
  /** = file name. */
  readonly id: string;
  /** = folder name. */
  readonly family: Family;
  readonly access: A;
  /** From 1. Raise it with every change that changes the artifact of a variant: rows of another revision are stale. */
  readonly revision: number;
  /** What the method is, in up to three sentences, for the board. */
  readonly description: string;
  /** Source of the algorithm; for a control, the work that uses the comparison. */
  readonly paper: Paper;
  /** SPDX identifier of the licence of this file and of the script it runs. */
  readonly licence: string;
  /** v.strictObject: an unknown key is an error. Those of shared-parameters.ts are added to it. */
  readonly params: S;
  /** The rows on the board: at least five where the method has a size parameter. */
  readonly variants: Readonly<Record<string, v.InferInput<S> & SharedInput>>;
  /** A baseline that other methods must beat. */
  readonly control?: boolean;
  /** The result depends on the seed although no data is drawn (calibrated and higher classes always do). */
  readonly random?: boolean;
  compress(model: Model, context: ContextByAccess<v.InferOutput<S>>[A]): Model | Promise<Model>;
}

/** A method as the harness uses it: parameters checked by `parse`, context by access class. */
export interface Method {
  readonly id: string;
  readonly family: Family;
  readonly access: Access;
  /** Part of a trial's key, in place of the method's code. */
  readonly revision: number;
  readonly description: string;
  readonly paper: Paper;
  readonly licence: string;
  readonly params: ParamsSchema;
  readonly variants: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly control: boolean;
  readonly random: boolean;
  /** Program and arguments of an external method: the sandbox lets it read where these are installed. */
  readonly command?: readonly [program: string, ...args: readonly string[]];
  compress(model: Model, context: TrainedContext<Record<string, unknown>>): Model | Promise<Model>;
}

/**
 * Declares a method. The context's type follows from `access`: a data-free method that touches calibration data does
 * not compile, and at run time the harness gives it none.
 */
export function defineMethod<const A extends Access, S extends ParamsSchema>(
  definition: MethodDefinition<A, S>,
): Method {
  return {
    ...definition,
    params: withSharedParameters(definition.params),
    control: definition.control ?? false,
    random: definition.random ?? definition.access !== 'data-free',
    compress: (model, context) =>
      definition.compress(model, context as unknown as ContextByAccess<v.InferOutput<S>>[A]),
  };
}
