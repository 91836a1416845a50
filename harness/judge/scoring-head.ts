/**
 * Scores from the inputs of the heads of one or two decoders, for a block of tokens: only a few numbers per token leave
 * onnxruntime; no array with the vocabulary's size is copied to JavaScript, and none in the graph has more rows than
 * the block.
 */
import { int } from '../../numerics/onnx/attributes.ts';
import { createGraphBuilder, type GraphBuilder } from '../../numerics/onnx/builder.ts';
import { mergeGraphs } from '../../numerics/onnx/edit.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { joinedModel } from './paired-graph.ts';

/** Outputs of the scoring graphs, each [rows]: entry t is for the prediction made at row t. */
export const SCORE_OUTPUTS = {
  /** float32: −ln p of the target. */
  negativeLogLikelihood: 'score/negative_log_likelihood',
  /** int64: the most probable token; among ties the lowest id. */
  top: 'score/top',
  denseNegativeLogLikelihood: 'score/dense_negative_log_likelihood',
  denseTop: 'score/dense_top',
  /** float32: KL(dense ‖ candidate) of the predicted distribution, nats. */
  klDivergence: 'score/kl_divergence',
} as const;

/** Input of the scoring graphs: int64 [1, rows], the tokens to predict. */
export const TARGETS = 'score/targets';

/** Prefix of the inputs of dense's head; those of the candidate keep their names. */
export const DENSE_PREFIX = 'dense/';

const STANDARD_OPSET = 21;

/** Maps the inputs of a head and TARGETS to its loss and top. */
export function singleScoringGraph(head: OnnxModel): OnnxModel {
  const b = createGraphBuilder({ name: 'scoring-head', opset: head.opsets.get('') ?? STANDARD_OPSET });
  scoreSide(b, '', targetColumns(b));
  const connect = { logits: 'logits' };
  return onlyScores({
    ...head,
    graph: mergeGraphs(head.graph, b.build().graph, { prefix: 'score/', sharedInputs: [], connect }),
  });
}

/**
 * Maps the inputs of the candidate's head, those of dense's under DENSE_PREFIX, and TARGETS to all outputs.
 * Throws UnsupportedError for heads that cannot be merged into one graph.
 */
export function pairedScoringGraph(heads: { readonly dense: OnnxModel; readonly candidate: OnnxModel }): OnnxModel {
  const both = joinedModel(heads, (dense, candidate) =>
    mergeGraphs(candidate, dense, { prefix: DENSE_PREFIX, sharedInputs: [] }),
  );
  return withScores(both, { logits: 'logits', dense_logits: `${DENSE_PREFIX}logits` });
}

/**
 * The model with TARGETS as an additional input and all scores as outputs, from two of its values, [1, rows,
 * vocabulary].
 */
export function withScores(
  model: OnnxModel,
  connect: { readonly logits: string; readonly dense_logits: string },
): OnnxModel {
  const b = createGraphBuilder({ name: 'scoring-head', opset: model.opsets.get('') ?? STANDARD_OPSET });
  const targets = targetColumns(b);
  const p = scoreSide(b, 'dense_', targets);
  addDivergence(b, p, scoreSide(b, '', targets));
  return onlyScores({
    ...model,
    graph: mergeGraphs(model.graph, b.build().graph, { prefix: 'score/', sharedInputs: [], connect: { ...connect } }),
  });
}

function onlyScores(model: OnnxModel): OnnxModel {
  const scores = new Set<string>(Object.values(SCORE_OUTPUTS));
  return {
    ...model,
    graph: { ...model.graph, name: 'scoring', outputs: model.graph.outputs.filter(({ name }) => scores.has(name)) },
  };
}

/** The targets as columns of the logits, [1, rows, 1]. */
function targetColumns(b: GraphBuilder): string {
  return b.unsqueeze(b.input('targets', 'int64', [1, 'rows']), [-1], { name: 'columns' });
}

interface Side {
  /** [1, rows, vocabulary] */
  readonly logProbabilities: string;
  readonly probabilities: string;
}

function scoreSide(b: GraphBuilder, prefix: string, columns: string): Side {
  const logits = b.input(`${prefix}logits`, 'float32', [1, 'rows', 'vocabulary']);
  const logProbabilities = b.logSoftmax(logits, { axis: -1, name: `${prefix}log_probabilities` });
  const [picked = ''] = b.node('GatherElements', [logProbabilities, columns], {
    name: `${prefix}picked`,
    attributes: { axis: int(2) },
  });
  const loss = b.reshape(b.neg(picked), [-1], { name: `${prefix}negative_log_likelihood` });
  b.output(loss, { dtype: 'float32', dims: ['rows'] });
  const highest = b.argMax(logits, { axis: -1, keepdims: false });
  b.output(b.reshape(highest, [-1], { name: `${prefix}top` }), { dtype: 'int64', dims: ['rows'] });
  return { logProbabilities, probabilities: b.exp(logProbabilities) };
}

/**
 * Σ p (ln p − ln q) − p + q: the added terms sum to 0 and cancel rounding errors of the normalisation to first order,
 * so that close distributions give a small number instead of noise.
 */
function addDivergence(b: GraphBuilder, p: Side, q: Side): void {
  const weighted = b.mul(p.probabilities, b.sub(p.logProbabilities, q.logProbabilities));
  const terms = b.add(weighted, b.sub(q.probabilities, p.probabilities));
  const summed = b.reduceSum(terms, { axes: [-1], keepdims: false });
  b.output(b.reshape(summed, [-1], { name: 'kl_divergence' }), { dtype: 'float32', dims: ['rows'] });
}
