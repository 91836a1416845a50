/** The context a method gets in tests: seeded, with random calibration tokens, and only what its access class allows. */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { ExampleSet, Method, TrainedContext } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { createRandom } from '../../numerics/tensor/random.ts';

export interface MethodContextOptions {
  readonly method: Method;
  readonly variant: string;
  readonly model: Model;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  /** A smaller dense model; default none. */
  readonly smaller?: Model;
  /** Defaults to random tokens: 8 sequences of 16. */
  readonly calibration?: ExampleSet;
  /** Defaults to random tokens: 40 sequences of 32. */
  readonly training?: ExampleSet;
  /** Instead of the variant's own; a test may give `steps` in the place of `tokens`. */
  readonly params?: Readonly<Record<string, unknown>>;
}

export interface MethodTestContext {
  readonly context: TrainedContext<Record<string, unknown>>;
  /** What the method remarked. */
  readonly notes: readonly string[];
  readonly progress: readonly number[];
  /** What the method counted into its cost. */
  readonly spent: { tokens: number; steps: number };
}

/** Reading data that the method's access class forbids throws, as it does not compile in the method itself. */
export function methodContext(options: MethodContextOptions): MethodTestContext {
  const { method, variant, model, seed = 0 } = options;
  const notes: string[] = [];
  const progress: number[] = [];
  const spent = { tokens: 0, steps: 0 };
  const granted: TrainedContext<Record<string, unknown>> = {
    params: v.parse(method.params, inTokens(options.params ?? method.variants[variant] ?? {}, model)),
    ...(options.smaller && { smaller: options.smaller }),
    random: createRandom(seed),
    signal: options.signal ?? new AbortController().signal,
    note: (text) => void notes.push(text),
    simulated: (reason) => void notes.push(`simulated: ${reason}`),
    progress: (share) => void progress.push(share),
    trainingProvider: 'cpu',
    spent(work) {
      spent.tokens += work.tokens;
      spent.steps += work.steps;
    },
    calibration: options.calibration ?? randomExamples(model, `calibration/${seed}`),
    training: options.training ?? randomExamples(model, `training/${seed}`, { count: 40, length: 32 }),
  };
  const forbidden = forbiddenKeys(method);
  const context = new Proxy(granted, {
    get(target, key, receiver) {
      if (forbidden.has(key))
        throw new Error(`${method.id} is ${method.access} and may not read context.${String(key)}`);
      return Reflect.get(target, key, receiver);
    },
  });
  return { context, notes, progress, spent };
}

/** Parameters with a number of steps as the tokens they take; rows are as long as the context of a tiny model. */
function inTokens(
  { steps, ...params }: Readonly<Record<string, unknown>>,
  { contextLength }: Model,
): Readonly<Record<string, unknown>> {
  return steps === undefined
    ? params
    : { ...params, tokens: Number(steps) * Number(params['batch'] ?? 8) * contextLength };
}

function forbiddenKeys({ access }: Method): ReadonlySet<string | symbol> {
  if (access === 'data-free') return new Set(['calibration', 'training', 'spent']);
  return new Set(access === 'trained' ? [] : ['training', 'spent']);
}

/** Seeded random token sequences within the model's vocabulary, for an encoder with random labels. */
export function randomExamples(model: Model, seed: string, { count = 8, length = 16 } = {}): ExampleSet {
  const random = createRandom(seed);
  const vocabulary = model.onnx.graph.initializers.get(model.roles.embedding.weight)?.dims[0] ?? 0;
  const classes = model.kind === 'encoder' ? model.roles.head?.outFeatures : undefined;
  const examples = Array.from({ length: count }, () => ({
    tokens: Int32Array.from({ length: Math.min(length, model.contextLength) }, () => random.integer(vocabulary)),
    ...(classes !== undefined && { label: random.integer(classes) }),
  }));
  const hash = createHash('sha256');
  for (const { tokens, label } of examples) hash.update(tokens).update(String(label));
  return {
    dataset: 'random-tokens',
    contentHash: hash.digest('hex'),
    examples,
    tokenCount: examples.reduce((sum, { tokens }) => sum + tokens.length, 0),
  };
}
