/** A linear layer x W + b as one MatMul node, whose weight is an initializer [in, out], and an Add where it has a bias. */
import type { LinearRole } from '../../engine/definitions/model.ts';
import type { GraphBuilder } from '../../numerics/onnx/builder.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';

export interface LinearWeights {
  readonly weight: Float32Array; // [in, out]
  readonly bias: Float32Array; // [out]
}

export interface LinearParts {
  readonly input: string;
  readonly weight: Float32Array;
  /** [in, out] */
  readonly dims: readonly [number, number];
  /** Name of the output value; default: the node's. */
  readonly output?: string;
}

/** x W as one MatMul node; `name` is relative to the builder's scope, `role` is the full name. */
export function buildLinear(
  b: GraphBuilder,
  name: string,
  role: string,
  { input, weight, dims, output: outputName = name }: LinearParts,
): LinearRole {
  const [inFeatures, outFeatures] = dims;
  const initializer = b.initializer(`${name}.weight`, tensorOf('float32', dims, weight));
  const output = b.matmul(input, initializer, { name, output: outputName });
  return { role, node: role, weight: initializer, input, output, inFeatures, outFeatures };
}

export interface BiasedLinear {
  readonly role: LinearRole;
  /** The value x W + b. */
  readonly value: string;
}

export interface BiasedLinearParts {
  readonly input: string;
  readonly weights: LinearWeights;
  /** [in, out] */
  readonly dims: readonly [number, number];
  /** Name of the value x W + b; default: that of the Add node, `name.biased`. */
  readonly biasedOutput?: string;
}

/**
 * x W + b as a MatMul `name` and an Add `name.biased`; `name` is relative to the builder's scope, `role` is the full
 * name.
 */
export function buildBiasedLinear(
  b: GraphBuilder,
  name: string,
  role: string,
  { input, weights, dims, biasedOutput }: BiasedLinearParts,
): BiasedLinear {
  const linear = buildLinear(b, name, role, { input, weight: weights.weight, dims });
  const bias = b.initializer(`${name}.bias`, tensorOf('float32', [dims[1]], weights.bias));
  const biased = `${name}.biased`;
  const value = b.add(linear.output, bias, { name: biased, output: biasedOutput ?? biased });
  return { role: { ...linear, bias }, value };
}
