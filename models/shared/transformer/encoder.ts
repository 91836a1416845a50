/**
 * Builds an encoder as an ONNX graph of standard operators from a specification, with a classifier or one embedding per
 * input.
 * The graph is differentiated and rewritten by methods; each linear layer is one MatMul whose weight is [in, out].
 */
import type { LinearRole, Model, RoleMap } from '../../../engine/definitions/model.ts';
import { createModel } from '../../../engine/model/model.ts';
import { createGraphBuilder, type GraphBuilder } from '../../../numerics/onnx/builder.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { paddingMask, positionIds, sequenceCount } from '../positions.ts';
import { activate } from './block.ts';
import { buildAnyLinear } from './linear.ts';
import { buildNorm } from './norm.ts';
import type {
  Activation,
  LayerWeights,
  LinearWeights,
  NormWeights,
  TransformerSpecification,
} from './specification.ts';
import { buildStack, OPSET, requireFittingShapes } from './stack.ts';

/** From the last hidden states: the first token's, or the mean of those that are not padding. */
export type Pooling = 'first' | 'mean';

export type EncoderHead =
  | {
      readonly kind: 'classifier';
      readonly pooling: Pooling;
      readonly classes: number;
      readonly pooler: LinearWeights; // [width, width]
      readonly activation: Activation | 'tanh';
      readonly poolerNorm?: NormWeights;
      readonly classifier: LinearWeights; // [width, classes]
    }
  | { readonly kind: 'embedding'; readonly pooling: Pooling };

export interface EncoderWeights {
  readonly embedding: Float32Array; // [vocabulary, width]
  /** [context, width]; absent where positions are rotary. */
  readonly positions?: Float32Array;
  /** [2, width]; if present, the graph reads token_type_ids. */
  readonly segments?: Float32Array;
  readonly embeddingNorm: NormWeights;
  readonly layers: readonly LayerWeights[];
  /** Only where layers do not end with a norm. */
  readonly finalNorm?: NormWeights;
}

export interface EncoderParts {
  readonly id: string;
  /** `model_type` of config.json. */
  readonly architecture: string;
  readonly specification: TransformerSpecification;
  readonly weights: EncoderWeights;
  readonly head: EncoderHead;
}

/** Throws InputError for an inconsistent specification. */
export function buildEncoder({ id, architecture, specification, weights, head }: EncoderParts): Model {
  requireFittingShapes(id, specification, weights.layers);
  const { width, heads, keyValueHeads, vocabularySize, contextLength, norm } = specification;
  const b = createGraphBuilder({ name: id, opset: OPSET });
  const inputIds = b.input('input_ids', 'int64', ['batch', 'sequence']);
  const attentionMask = b.input('attention_mask', 'int64', ['batch', 'sequence']);
  const tokenTypeIds = weights.segments && b.input('token_type_ids', 'int64', ['batch', 'sequence']);
  const count = sequenceCount(b, inputIds);
  const positions = positionIds(b, count);
  const present = paddingMask(b, attentionMask);

  const table = (name: string, rows: number, values: Float32Array): string =>
    b.initializer(`${name}.weight`, tensorOf('float32', [rows, width], values));
  const embedding = table('embedding', vocabularySize, weights.embedding);
  let hidden = b.gather(embedding, inputIds, { name: 'embedding' }); // [batch, sequence, width]
  let [learned, segments]: Pick<RoleMap, 'positions' | 'segments'>[] = [{}, {}];
  if (weights.segments && tokenTypeIds !== undefined) {
    const weight = table('segments', 2, weights.segments);
    const types = b.gather(weight, tokenTypeIds, { name: 'segments.embedding' }); // [batch, sequence, width]
    hidden = b.add(hidden, types, { name: 'embedding.typed' });
    segments = { segments: { weight, node: 'segments.embedding' } };
  }
  if (weights.positions) {
    const weight = table('positions', contextLength, weights.positions);
    const places = b.gather(weight, positions, { name: 'positions.embedding' }); // [sequence, width]
    hidden = b.add(hidden, places, { name: 'embedding.placed' });
    learned = { positions: { weight, node: 'positions.embedding' } };
  }
  hidden = buildNorm(b, 'embedding.norm', hidden, { weights: weights.embeddingNorm, norm });
  const layers = buildStack(b, {
    specification,
    weights: weights.layers,
    input: hidden,
    count,
    visible: (window) => (window === undefined ? present : near(b, { present, positions, window })),
  });
  hidden = layers.at(-1)?.output ?? hidden;
  if (weights.finalNorm) hidden = buildNorm(b, 'final.norm', hidden, { weights: weights.finalNorm, norm });
  const pooled = head.pooling === 'first' ? firstOf(b, hidden) : meanOf(b, hidden, attentionMask); // [batch, width]
  const tail = head.kind === 'classifier' ? buildClassifier(b, pooled, { head, specification }) : undefined;
  if (!tail) toUnitLength(b, pooled);
  b.output('logits', { dtype: 'float32', dims: ['batch', head.kind === 'classifier' ? head.classes : width] });
  return createModel({
    id,
    architecture,
    kind: head.kind === 'classifier' ? 'encoder' : 'embedder',
    onnx: b.build(),
    roles: {
      width,
      heads,
      keyValueHeads,
      layers,
      embedding: { weight: embedding, node: 'embedding' },
      ...learned,
      ...segments,
      ...tail,
    },
    contextLength,
  });
}

function buildClassifier(
  b: GraphBuilder,
  pooled: string,
  {
    head,
    specification,
  }: { readonly head: EncoderHead & { readonly kind: 'classifier' }; readonly specification: TransformerSpecification },
): { readonly pooler: LinearRole; readonly head: LinearRole } {
  const { width, norm } = specification;
  const pooler = buildAnyLinear(b, { name: 'pooler', input: pooled, weights: head.pooler, dims: [width, width] });
  let state = activate(b, 'pooled', pooler.value, head.activation);
  if (head.poolerNorm) state = buildNorm(b, 'pooled.norm', state, { weights: head.poolerNorm, norm });
  const classifier = buildAnyLinear(b, {
    name: 'classifier',
    input: state,
    weights: head.classifier,
    dims: [width, head.classes],
    output: 'logits',
  });
  return { pooler: pooler.role, head: classifier.role };
}

function firstOf(b: GraphBuilder, hidden: string): string {
  return b.gather(hidden, b.scalar(0, 'int64'), { axis: 1, name: 'first' });
}

/** Mean over the positions that are not padding. */
function meanOf(b: GraphBuilder, hidden: string, attentionMask: string): string {
  const mask = b.unsqueeze(b.cast(attentionMask, { to: 'float32', name: 'pooling.mask' }), [2], {
    name: 'pooling.weights',
  });
  const sum = b.reduceSum(b.mul(hidden, mask, { name: 'pooling.present' }), {
    axes: [1],
    keepdims: false,
    name: 'pooling.sum',
  });
  const counted = b.reduceSum(mask, { axes: [1], keepdims: false, name: 'pooling.count' }); // [batch, 1]
  return b.div(sum, counted, { name: 'pooling.mean' });
}

/** Lower bound of the length, as in torch.nn.functional.normalize. */
const SHORTEST = 1e-12;

function toUnitLength(b: GraphBuilder, pooled: string): string {
  const length = b.reduceL2(pooled, { axes: [-1], name: 'embedding.length' });
  const divisor = b.max([length, b.scalar(SHORTEST)], { name: 'embedding.divisor' });
  return b.div(pooled, divisor, { name: 'unit', output: 'logits' });
}

/** bool [batch, 1, sequence, sequence]: restricts the visible positions to a distance of at most `window`. */
function near(
  b: GraphBuilder,
  { present, positions, window }: { readonly present: string; readonly positions: string; readonly window: number },
): string {
  const name = `attention.window_${window}`;
  const distance = b.sub(positions, b.unsqueeze(positions, [1], { name: `${name}.rows` }), {
    name: `${name}.difference`,
  });
  const close = b.lessOrEqual(b.abs(distance, { name: `${name}.distance` }), b.scalar(window, 'int64'), {
    name: `${name}.near`,
  });
  return b.and(present, close, { name });
}
