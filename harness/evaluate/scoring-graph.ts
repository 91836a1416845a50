/**
 * Dense and candidate side by side in one graph with a scoring head, so that only a few numbers per token leave
 * onnxruntime: no array of the vocabulary's size crosses into JavaScript, and both see the same tokens in the same run.
 */
import { InputError, UnsupportedError } from '../contracts/errors.ts';
import { int } from '../onnx/attributes.ts';
import { createGraphBuilder } from '../onnx/builder.ts';
import { mergeGraphs } from '../onnx/edit.ts';
import type { Graph, OnnxFunction, OnnxModel } from '../onnx/graph.ts';
import { tensorOf } from '../tensor/tensor.ts';

/** Outputs of the scoring graph, each [sequence − 1]: position t tells of the prediction of token t + 1. */
export const SCORE_OUTPUTS = {
  /** float32: −ln p of the true next token. */
  negativeLogLikelihood: 'score/negative_log_likelihood',
  denseNegativeLogLikelihood: 'score/dense_negative_log_likelihood',
  /** float32: KL(dense ‖ candidate) of the next-token distribution, nats. */
  klDivergence: 'score/kl_divergence',
  /** int64: the most probable next token; the lowest id of several. */
  top: 'score/top',
  denseTop: 'score/dense_top',
} as const;

const STANDARD_OPSET = 21;

/**
 * One model from `input_ids` [1, sequence] to SCORE_OUTPUTS. Throws InputError when either lacks `input_ids` or `logits`,
 * UnsupportedError when their operator sets or functions cannot stand in one file.
 */
export function scoringGraph(models: { readonly dense: OnnxModel; readonly candidate: OnnxModel }): OnnxModel {
  const { dense, candidate } = models;
  for (const [side, model] of Object.entries({ dense, candidate })) {
    requireValue(side, 'input', model.graph.inputs, 'input_ids');
    requireValue(side, 'output', model.graph.outputs, 'logits');
  }
  const opsets = joinedOpsets(dense, candidate);
  const both = mergeGraphs(dense.graph, candidate.graph, { prefix: 'candidate/', sharedInputs: ['input_ids'] });
  const scored = mergeGraphs(both, scoringHead(opsets.get('') ?? STANDARD_OPSET), {
    prefix: 'score/',
    sharedInputs: ['input_ids'],
    connect: { dense_logits: 'logits', candidate_logits: 'candidate/logits' },
  });
  const wanted = new Set<string>(Object.values(SCORE_OUTPUTS));
  return {
    ...dense,
    irVersion: Math.max(dense.irVersion, candidate.irVersion),
    opsets,
    functions: joinedFunctions(dense, candidate),
    graph: { ...scored, name: 'scoring', outputs: scored.outputs.filter(({ name }) => wanted.has(name)) },
  };
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

function requireValue(side: string, what: string, values: readonly { readonly name: string }[], name: string): void {
  if (values.some((value) => value.name === name)) return;
  const known = values.map((value) => value.name).join(', ') || '(none)';
  throw new InputError(`scoring: the ${side} model has no ${what} "${name}"; it has ${known}`);
}

function joinedOpsets(dense: OnnxModel, candidate: OnnxModel): Map<string, number> {
  const joined = new Map(dense.opsets);
  for (const [domain, version] of candidate.opsets) {
    const present = joined.get(domain);
    if (present !== undefined && present !== version) {
      throw new UnsupportedError(
        `scoring: dense imports operator set "${domain || 'ai.onnx'}" ${present}, the candidate ${version}; ` +
          'both run in one graph, so write the candidate in the same version',
      );
    }
    joined.set(domain, version);
  }
  return joined;
}

function joinedFunctions(dense: OnnxModel, candidate: OnnxModel): OnnxFunction[] {
  const key = (f: OnnxFunction): string => `${f.domain}:${f.name}:${f.overload ?? ''}`;
  const known = new Map(dense.functions.map((f) => [key(f), f]));
  for (const f of candidate.functions) {
    const present = known.get(key(f));
    if (present !== undefined && present !== f) {
      throw new UnsupportedError(`scoring: dense and candidate both define a function ${key(f)}; name them apart`);
    }
    known.set(key(f), f);
  }
  return [...known.values()];
}
