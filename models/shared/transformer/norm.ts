/** Layer normalisation and root-mean-square normalisation over the last axis. */
import type { GraphBuilder } from '../../../numerics/onnx/builder.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import type { NormSpecification, NormWeights } from './specification.ts';

/**
 * layer: (x − mean) / √(variance + ε) · weight + bias (Ba et al. 2016, https://arxiv.org/abs/1607.06450), the operator of opset
 * 17. root-mean-square: x / √(mean(x²) + ε) · weight (Zhang & Sennrich 2019, https://arxiv.org/abs/1910.07467).
 */
export function buildNorm(
  b: GraphBuilder,
  name: string,
  x: string,
  { weights, norm }: { readonly weights: NormWeights; readonly norm: NormSpecification },
): string {
  const vector = (part: 'weight' | 'bias', values: Float32Array): string =>
    b.initializer(`${name}.${part}`, tensorOf('float32', [values.length], values));
  const weight = vector('weight', weights.weight);
  const { kind, epsilon } = norm;
  if (kind === 'layer') {
    const bias = weights.bias && vector('bias', weights.bias);
    return b.layerNormalization(x, weight, { ...(bias !== undefined && { bias }), epsilon, name });
  }
  const squares = b.pow(x, b.scalar(2), { name: `${name}.squares` });
  const mean = b.reduceMean(squares, { axes: [-1], name: `${name}.mean` });
  const root = b.sqrt(b.add(mean, b.scalar(epsilon), { name: `${name}.shifted` }), { name: `${name}.root` });
  return b.mul(b.div(x, root, { name: `${name}.unit` }), weight, { name });
}
