/**
 * Losses, added to a model's graph. Softmax is always computed as log-softmax; every loss is a mean, so that its size
 * does not depend on the batch.
 */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { Model } from '../definitions/model.ts';
import { string } from '../../numerics/onnx/attributes.ts';
import type { GraphWriter } from './graph-writer.ts';

export interface LossContext {
  readonly w: GraphWriter;
  /** Concrete shape of a value of the model. Throws InputError for an unknown name. */
  dims(value: string): readonly number[];
  /** Reports a scalar with every step, under a name of its own. */
  metric(name: string, value: string): void;
}

/** Adds a scalar to the graph and returns its name. */
export type Loss = (context: LossContext) => string;

export interface CrossEntropyOptions {
  /** float32 [..., classes]; default `logits`. */
  readonly logits?: string;
  /** Share of the probability spread evenly over all classes (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567); default 0. */
  readonly labelSmoothing?: number;
  /**
   * Name of the input with the correct classes, int64, of the shape of `logits` without its last axis; default
   * `targets`.
   */
  readonly targets?: string;
  /** Name of the input with the weight of each prediction, float32, 0 to ignore it; null for no weights. */
  readonly weights?: string | null;
}

/**
 * −Σ weight ln p(target) / Σ weight over the positions of a decoder. `targets` [batch, sequence] holds the next token
 * of each position; `target_weights` is 0 where there is none.
 */
export function nextTokenCrossEntropy(options: CrossEntropyOptions = {}): Loss {
  return crossEntropy({ weights: 'target_weights', ...options });
}

/** −mean ln p(label). logits [batch, classes]; input `labels` [batch]. */
export function classificationCrossEntropy(options: CrossEntropyOptions = {}): Loss {
  return crossEntropy({ targets: 'labels', weights: null, ...options });
}

/**
 * Mean squared difference of the cosine of a pair's vectors and its score. logits [batch, width], of unit length, rows 2i and
 * 2i + 1 of a pair; input `scores` [batch / 2]. Reimers & Gurevych 2019, https://arxiv.org/abs/1908.10084, section 3, regression.
 */
export function similarityLoss(): Loss {
  return ({ w, dims, metric }) => {
    const [batch = 0, width = 0] = dims('logits');
    const pairs = w.reshape('logits', [batch / 2, 2, width]);
    // a · b = (|a + b|² − |a|² − |b|²) / 2
    const sums = w.reduceSum(pairs, { axes: [1], keepdims: false });
    const ofSums = w.reduceSum(w.mul(sums, sums), { axes: [1], keepdims: false });
    const apart = w.reduceSum(w.mul(pairs, pairs), { axes: [1, 2], keepdims: false });
    const cosines = w.mul(w.sub(ofSums, apart), w.scalar(0.5));
    const loss = meanSquare(w, w.sub(cosines, w.input('scores', 'float32', [batch / 2])));
    metric('similarity', loss);
    return loss;
  };
}

/** The model's own task: the cross-entropy of the next token or of the class, or the similarity of pairs. */
export function taskLoss({ kind }: Pick<Model, 'kind'>): Loss {
  if (kind === 'embedder') return similarityLoss();
  return kind === 'decoder' ? nextTokenCrossEntropy() : classificationCrossEntropy();
}

function crossEntropy(options: CrossEntropyOptions): Loss {
  const { logits = 'logits', labelSmoothing = 0, targets = 'targets', weights = null } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new InputError(`loss: labelSmoothing must lie in [0, 1), got ${labelSmoothing}`);
  }
  return ({ w, dims, metric }) => {
    const shape = dims(logits);
    const [rowDims, classes] = [shape.slice(0, -1), present(shape.at(-1), 'last of shape')];
    const rows = rowDims.reduce((product, dim) => product * dim, 1);
    const labels = w.reshape(w.input(targets, 'int64', rowDims), [rows]);
    const scores = w.reshape(logits, [rows, classes]);
    const weight = weights === null ? undefined : w.reshape(w.input(weights, 'float32', rowDims), [rows]);
    const smooth = labelSmoothing > 0 ? w.logSoftmax(scores, { axis: -1 }) : undefined;
    const surprise =
      smooth === undefined
        ? present(
            w.node('SoftmaxCrossEntropyLoss', [scores, labels], {
              name: 'cross_entropy',
              attributes: { reduction: string('none') },
            })[0],
            'the output of SoftmaxCrossEntropyLoss',
          )
        : w.neg(w.reshape(w.gatherElements(smooth, w.unsqueeze(labels, [1]), { axis: 1 }), [rows]));
    const hard = weightedMean(w, surprise, weight);
    metric('cross_entropy', hard);
    if (smooth === undefined) return hard;
    const even = w.neg(w.reduceMean(smooth, { axes: [1], keepdims: false }));
    return weightedSum(w, [
      [1 - labelSmoothing, hard],
      [labelSmoothing, weightedMean(w, even, weight)],
    ]);
  };
}

export interface DistillationOptions {
  /** float32 [..., classes]; default `logits`. */
  readonly student?: string;
  /** Value of a merged teacher's graph (see mergeTeacher), or the name of a new input; default `teacher/logits`. */
  readonly teacher?: string;
  readonly temperature?: number;
  /** As for cross-entropy. */
  readonly weights?: string | null;
}

/**
 * T² KL(teacher ‖ student) of softmax(z / T), mean over positions. Hinton et al. 2015,
 * https://arxiv.org/abs/1503.02531: the factor T² makes the gradient's size independent of the temperature.
 */
export function logitDistillation(options: DistillationOptions = {}): Loss {
  const { student = 'logits', teacher = 'teacher/logits', temperature = 1, weights = 'target_weights' } = options;
  if (!(temperature > 0)) throw new InputError(`loss: temperature must be positive, got ${temperature}`);
  return ({ w, dims, metric }) => {
    const shape = dims(student);
    const given = w.has(teacher) ? teacher : w.input(teacher, 'float32', shape);
    const weight = weights === null ? undefined : w.input(weights, 'float32', shape.slice(0, -1));
    const scaled = (logits: string) => (temperature === 1 ? logits : w.mul(logits, w.scalar(1 / temperature)));
    const divergence = divergenceOf(w, scaled(given), scaled(student));
    const mean = weightedMean(w, divergence, weight);
    metric('distillation', mean);
    return temperature === 1 ? mean : w.mul(mean, w.scalar(temperature ** 2));
  };
}

/** Σ p (ln p − ln q) over the last axis, from scores. */
function divergenceOf(w: GraphWriter, teacher: string, student: string): string {
  const logP = w.logSoftmax(teacher, { axis: -1 });
  const ratio = w.sub(logP, w.logSoftmax(student, { axis: -1 }));
  return w.reduceSum(w.mul(w.exp(logP), ratio), { axes: [-1], keepdims: false });
}

export interface PairOptions {
  /** Values to match: the student's name and the teacher's. */
  readonly pairs: readonly (readonly [student: string, teacher: string])[];
  /** Input int64 [batch, sequence] of the graph, 0 at padding, which is ignored in all means. Default: no padding. */
  readonly mask?: string | undefined;
}

/**
 * Mean squared difference of hidden states, after a linear map [student width, teacher width] where the widths differ.
 * TinyBERT, https://arxiv.org/abs/1909.10351
 */
export function hiddenStateLoss({
  pairs,
  mask,
  projections = [],
}: PairOptions & { readonly projections?: readonly string[] }): Loss {
  return meanOf('hidden_state', pairs, ({ w }, [student, teacher], index) => {
    const projection = projections[index];
    const difference = w.sub(projection === undefined ? student : w.matmul(student, projection), teacher);
    if (mask === undefined) return meanSquare(w, difference);
    return weightedMean(
      w,
      w.reduceMean(w.mul(difference, difference), { axes: [-1], keepdims: false }),
      counted(w, mask),
    );
  });
}

/**
 * Mean squared difference of attention scores or probabilities, [batch, heads, sequence, sequence]. `visible`: a bool
 * value of the graph per pair, broadcast to that shape; elements where it is false are ignored.
 */
export function attentionLoss({
  pairs,
  mask,
  visible = [],
}: PairOptions & { readonly visible?: readonly string[] }): Loss {
  return meanOf('attention', pairs, ({ w, dims }, [student, teacher], index) => {
    const difference = w.sub(student, teacher);
    const seen = visible[index];
    if (seen === undefined && mask === undefined) return meanSquare(w, difference);
    const weights = [
      ...(seen === undefined ? [] : [w.cast(seen, { to: 'float32' })]),
      ...(mask === undefined ? [] : [w.unsqueeze(counted(w, mask), [1, 3])]),
    ].map((weight) => w.expand(weight, dims(student)));
    const product = weights.slice(1).reduce((all, weight) => w.mul(all, weight), present(weights[0], 'weights[0]'));
    return weightedMean(w, w.mul(difference, difference), product);
  });
}

/**
 * KL(teacher ‖ student) of the attention of each head and position, mean over both, from the scores at the input of the
 * softmax, with invisible positions masked: [batch, heads, sequence, sequence]. MiniLM,
 * https://arxiv.org/abs/2002.10957, equation 7.
 */
export function attentionDistributionLoss({ pairs, mask }: PairOptions): Loss {
  return meanOf('attention_distribution', pairs, ({ w }, [student, teacher]) =>
    meanOverHeads(w, divergenceOf(w, teacher, student), mask),
  );
}

/** Avoids division by zero for a vector of zeros. */
const SMALLEST_NORM = 1e-12;

/** 1 − cosine of the angle between the vectors along the last axis, mean over positions. DistilBERT, https://arxiv.org/abs/1910.01108, section 3. */
export function cosineLoss({ pairs, mask }: PairOptions): Loss {
  return meanOf('cosine', pairs, ({ w }, [student, teacher]) => {
    const along = (a: string, b: string) => w.reduceSum(w.mul(a, b), { axes: [-1], keepdims: false });
    const lengths = w.sqrt(w.add(w.mul(along(student, student), along(teacher, teacher)), w.scalar(SMALLEST_NORM)));
    const cosine = w.div(along(student, teacher), lengths);
    return w.sub(w.scalar(1), weightedMean(w, cosine, mask === undefined ? undefined : counted(w, mask)));
  });
}

/** Excludes padding from a softmax: exp of this is 0 in float32. */
const UNSEEN = -1e9;

/**
 * KL(teacher ‖ student) of softmax(x xᵀ / √d) per relation head: queries, keys or values of the two models may differ
 * in width and head count. MiniLMv2, https://arxiv.org/abs/2012.15828, equation 3. Values: [batch, sequence, width].
 */
export function relationLoss({ pairs, mask, heads }: PairOptions & { readonly heads: number }): Loss {
  return meanOf('relation', pairs, ({ w, dims }, [student, teacher]) => {
    const scores = (value: string): string => {
      const [batch = 0, sequence = 0, width = 0] = dims(value);
      if (width % heads !== 0)
        throw new InputError(`loss: ${heads} relation heads do not divide the width ${width} of "${value}"`);
      const split = w.reshape(value, [batch, sequence, heads, width / heads]);
      const left = w.mul(w.transpose(split, [0, 2, 1, 3]), w.scalar(1 / Math.sqrt(width / heads)));
      const related = w.matmul(left, w.transpose(split, [0, 2, 3, 1]));
      if (mask === undefined) return related;
      const padding = w.sub(w.scalar(1), w.unsqueeze(counted(w, mask), [1, 2]));
      return w.add(related, w.mul(padding, w.scalar(UNSEEN)));
    };
    return meanOverHeads(w, divergenceOf(w, scores(teacher), scores(student)), mask);
  });
}

/** Σ factor · loss. */
export function weightedLosses(parts: readonly { readonly factor: number; readonly loss: Loss }[]): Loss {
  if (parts.length === 0) throw new InputError('loss: weightedLosses needs at least one part');
  return (context) =>
    weightedSum(
      context.w,
      parts.map(({ factor, loss }) => [factor, loss(context)] as const),
    );
}

function meanOf(
  name: string,
  pairs: PairOptions['pairs'],
  one: (context: LossContext, pair: readonly [string, string], index: number) => string,
): Loss {
  if (pairs.length === 0) throw new InputError(`loss: ${name} needs at least one pair of values`);
  return (context) => {
    const terms = pairs.map((pair, index) => [1 / pairs.length, one(context, pair, index)] as const);
    const mean = weightedSum(context.w, terms);
    context.metric(name, mean);
    return mean;
  };
}

/** 1 at tokens, 0 at padding: float32 [batch, sequence]. */
const counted = (w: GraphWriter, mask: string): string => w.cast(mask, { to: 'float32' });

/** Mean over heads and over positions without padding, of [batch, heads, sequence]. */
function meanOverHeads(w: GraphWriter, values: string, mask: string | undefined): string {
  if (mask === undefined) return w.reduceMean(values, { keepdims: false });
  return weightedMean(w, w.reduceMean(values, { axes: [1], keepdims: false }), counted(w, mask));
}

const meanSquare = (w: GraphWriter, difference: string): string =>
  w.reduceMean(w.mul(difference, difference), { keepdims: false });

function weightedSum(w: GraphWriter, terms: readonly (readonly [number, string])[]): string {
  const scaled = terms.map(([factor, value]) => (factor === 1 ? value : w.mul(value, w.scalar(factor))));
  return scaled.slice(1).reduce((sum, term) => w.add(sum, term), present(scaled[0], 'scaled[0]'));
}

/** Σ weight value / Σ weight; without weights the mean. */
function weightedMean(w: GraphWriter, values: string, weight: string | undefined): string {
  if (weight === undefined) return w.reduceMean(values, { keepdims: false });
  const sum = w.reduceSum(w.mul(values, weight), { keepdims: false });
  return w.div(sum, w.reduceSum(weight, { keepdims: false }));
}
