/**
 * Dense and candidate side by side in one graph with a scoring head, so that only a few numbers per token leave
 * onnxruntime: no array of the vocabulary's size crosses into JavaScript, and both see the same tokens in the same run.
 */
import { InputError } from '../../contracts/errors.ts';
import { int } from '../../numerics/onnx/attributes.ts';
import { createGraphBuilder } from '../../numerics/onnx/builder.ts';
import { mergeGraphs, removeDeadCode } from '../../numerics/onnx/edit.ts';
import type { Graph, OnnxModel } from '../../numerics/onnx/graph.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { type ModelPair, PAIRED_OUTPUTS, pairedGraph } from './paired-graph.ts';

/** Outputs of the scoring graph, each [sequence − 1]: position t is the prediction of token t + 1. */
export const SCORE_OUTPUTS = {
  /** float32: −ln p of the true next token. */
  negativeLogLikelihood: 'score/negative_log_likelihood',
  denseNegativeLogLikelihood: 'score/dense_negative_log_likelihood',
  /** float32: KL(dense ‖ candidate) of the next-token distribution, nats. */
  klDivergence: 'score/kl_divergence',
  /** int64: the most probable next token; among ties the lowest id. */
  top: 'score/top',
  denseTop: 'score/dense_top',
} as const;

export type ScoreOutput = keyof typeof SCORE_OUTPUTS;

const ALL_OUTPUTS = Object.keys(SCORE_OUTPUTS) as readonly ScoreOutput[];
const STANDARD_OPSET = 21;

/**
 * One model from `input_ids` [1, sequence] to SCORE_OUTPUTS, or those of them that are wanted. Throws InputError for a model
 * that is not a decoder, and what pairedGraph throws.
 */
export function scoringGraph(models: ModelPair, wanted: readonly ScoreOutput[] = ALL_OUTPUTS): OnnxModel {
  const both = pairedGraph(models);
  const stray = both.graph.inputs.find(({ name }) => name !== 'input_ids');
  if (stray !== undefined) {
    throw new InputError(
      `scoring next tokens takes decoders, which read input_ids alone; this one reads ${stray.name}`,
    );
  }
  const scored = mergeGraphs(both.graph, scoringHead(both.opsets.get('') ?? STANDARD_OPSET), {
    prefix: 'score/',
    sharedInputs: ['input_ids'],
    connect: { dense_logits: PAIRED_OUTPUTS.denseLogits, candidate_logits: PAIRED_OUTPUTS.logits },
  });
  const names = new Set<string>(wanted.map((output) => SCORE_OUTPUTS[output]));
  const outputs = scored.outputs.filter(({ name }) => names.has(name));
  return { ...both, graph: removeDeadCode({ ...scored, name: 'scoring', outputs }) };
}

/** From tokens and both logits [1, sequence, vocabulary] to the outputs. */
function scoringHead(opset: number): Graph {
  const b = createGraphBuilder({ name: 'scoring-head', opset });
  const ids = b.input('input_ids', 'int64', [1, 'sequence']);
  const integers = (name: string, ...values: number[]) =>
    b.initializer(name, tensorOf('int64', [values.length], BigInt64Array.from(values, BigInt)));
  const emit = (op: string, name: string, inputs: readonly string[], attributes = {}): string => {
    b.node(op, inputs, { name, outputs: [name], attributes });
    return name;
  };
  const zero = integers('zero', 0);
  const one = integers('one', 1);
  const last = integers('last', -1);
  const end = integers('end', Number.MAX_SAFE_INTEGER);
  const flat = integers('flat', -1);
  const targets = emit('Slice', 'targets', [ids, one, end, one]); // [1, sequence − 1]
  const columns = emit('Unsqueeze', 'columns', [targets, last]); // [1, sequence − 1, 1]

  const side = (prefix: string, logits: string) => {
    const predictions = emit('Slice', `${prefix}predictions`, [logits, zero, last, one]); // [1, sequence − 1, vocabulary]
    const logProbabilities = emit('LogSoftmax', `${prefix}log_probabilities`, [predictions], { axis: int(-1) });
    const picked = emit('GatherElements', `${prefix}picked`, [logProbabilities, columns], { axis: int(2) });
    const negated = emit('Neg', `${prefix}negated`, [picked]);
    emit('Reshape', `${prefix}negative_log_likelihood`, [negated, flat]);
    const highest = emit('ArgMax', `${prefix}highest`, [predictions], { axis: int(-1), keepdims: int(0) });
    emit('Reshape', `${prefix}top`, [highest, flat]);
    return { logProbabilities, probabilities: emit('Exp', `${prefix}probabilities`, [logProbabilities]) };
  };
  const p = side('dense_', b.input('dense_logits', 'float32', [1, 'sequence', 'vocabulary']));
  const q = side('', b.input('candidate_logits', 'float32', [1, 'sequence', 'vocabulary']));

  // Σ p (ln p − ln q) − p + q: the added terms sum to 0, and with them rounding of the normalisation cancels to first
  // order, so that close distributions give a small number and not noise around it.
  const logRatio = emit('Sub', 'log_ratio', [p.logProbabilities, q.logProbabilities]);
  const weighted = emit('Mul', 'weighted', [p.probabilities, logRatio]);
  const difference = emit('Sub', 'difference', [q.probabilities, p.probabilities]);
  const divergence = emit('Add', 'divergence', [weighted, difference]);
  const summed = emit('ReduceSum', 'summed', [divergence, last], { keepdims: int(0) });
  emit('Reshape', 'kl_divergence', [summed, flat]);

  for (const name of ['negative_log_likelihood', 'dense_negative_log_likelihood', 'kl_divergence']) {
    b.output(name, { dtype: 'float32', dims: ['predictions'] });
  }
  for (const name of ['top', 'dense_top']) b.output(name, { dtype: 'int64', dims: ['predictions'] });
  return b.build().graph;
}
