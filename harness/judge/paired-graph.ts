/** Dense and candidate in one graph. */
import { InputError, UnsupportedError } from '../../contracts/errors.ts';
import { mergeGraphs } from '../../numerics/onnx/edit.ts';
import type { Graph, OnnxFunction, OnnxModel } from '../../numerics/onnx/graph.ts';

export interface ModelPair {
  readonly dense: OnnxModel;
  readonly candidate: OnnxModel;
}

/** Outputs of the paired graph. */
export const PAIRED_OUTPUTS = { logits: 'candidate/logits', denseLogits: 'logits' } as const;

/**
 * One model from the common inputs to PAIRED_OUTPUTS. Throws InputError when the candidate lacks an input of dense or
 * either lacks `logits`, UnsupportedError when their operator sets or functions conflict.
 */
export function pairedGraph(pair: ModelPair): OnnxModel {
  requireInterface(pair);
  const sharedInputs = pair.dense.graph.inputs.map(({ name }) => name);
  return joinedModel(pair, (dense, candidate) => mergeGraphs(dense, candidate, { prefix: 'candidate/', sharedInputs }));
}

/** Throws InputError when the candidate lacks an input of dense, or either lacks `input_ids` or `logits`. */
export function requireInterface({ dense, candidate }: ModelPair): void {
  for (const [side, model] of Object.entries({ dense, candidate })) {
    for (const { name } of dense.graph.inputs) requireValue(side, 'input', model.graph.inputs, name);
    requireValue(side, 'input', model.graph.inputs, 'input_ids');
    requireValue(side, 'output', model.graph.outputs, 'logits');
  }
}

/** One model of both graphs as merged by `merge`. Throws UnsupportedError when they conflict. */
export function joinedModel(
  { dense, candidate }: ModelPair,
  merge: (dense: Graph, candidate: Graph) => Graph,
): OnnxModel {
  return {
    ...dense,
    irVersion: Math.max(dense.irVersion, candidate.irVersion),
    opsets: joinedOpsets(dense, candidate),
    functions: joinedFunctions(dense, candidate),
    graph: merge(dense.graph, candidate.graph),
  };
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
