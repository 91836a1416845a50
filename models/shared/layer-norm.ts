/** Layer normalisation (Ba, Kiros & Hinton 2016, https://arxiv.org/abs/1607.06450) as the operator of opset 17. */
import type { GraphBuilder } from '../../numerics/onnx/builder.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';

export interface NormWeights {
  readonly weight: Float32Array; // [width]
  readonly bias: Float32Array; // [width]
}

/** (x - mean) / √(variance + ε) · weight + bias over the last axis. */
export function layerNorm(
  b: GraphBuilder,
  name: string,
  x: string,
  { weights, epsilon }: { readonly weights: NormWeights; readonly epsilon: number },
): string {
  const dims = [weights.weight.length];
  const weight = b.initializer(`${name}.weight`, tensorOf('float32', dims, weights.weight));
  const bias = b.initializer(`${name}.bias`, tensorOf('float32', dims, weights.bias));
  return b.layerNormalization(x, weight, { bias, epsilon, name });
}
