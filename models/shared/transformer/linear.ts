/** A linear layer of a transformer: one MatMul whose weight is an initializer [in, out], and an Add where it has a bias. */
import type { LinearRole } from '../../../engine/definitions/model.ts';
import type { GraphBuilder } from '../../../numerics/onnx/builder.ts';
import { buildBiasedLinear, buildLinear } from '../linear-layer.ts';
import type { LinearWeights } from './specification.ts';

export interface BuiltLinear {
  readonly role: LinearRole;
  /** The value x W, plus b where there is one. */
  readonly value: string;
}

/**
 * `name` is relative to the builder's scope, `role` is the full name; `output` names the value, default: the node's
 * name.
 */
export function buildAnyLinear(
  b: GraphBuilder,
  {
    name,
    role = name,
    input,
    weights,
    dims,
    output,
  }: {
    readonly name: string;
    readonly role?: string;
    readonly input: string;
    readonly weights: LinearWeights;
    /** [in, out] */
    readonly dims: readonly [number, number];
    readonly output?: string;
  },
): BuiltLinear {
  const { weight, bias } = weights;
  if (bias !== undefined) {
    const biased = output === undefined ? {} : { biasedOutput: output };
    return buildBiasedLinear(b, name, role, { input, weights: { weight, bias }, dims, ...biased });
  }
  const built = buildLinear(b, name, role, { input, weight, dims, ...(output !== undefined && { output }) });
  return { role: built, value: built.output };
}
