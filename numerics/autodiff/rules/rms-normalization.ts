/**
 * Normalization by the root mean square over the axes from `axis` on. Zhang & Sennrich 2019, https://arxiv.org/abs/1910.07467
 * https://onnx.ai/onnx/operators/onnx__RMSNormalization.html and SimplifiedLayerNormalization of onnxruntime
 *   z = x r,  r = 1 / sqrt(mean x² + ε)      y = γ z          x, y, dy: [rows..., n...], r: [rows..., 1...], γ: [n...]
 *   dγ = Σ_rows dy z                         dx = r (dz - z mean(dz z)),  dz = dy γ
 */
import { float, int } from '../../onnx/attributes.ts';
import type { GradientBuilder } from '../gradient-builder.ts';
import { type BackwardRule, defineRule, type ExpandRule, type ForwardNode, fromStart } from '../rule.ts';

function normalizedAxes(node: ForwardNode): readonly number[] {
  const dims = node.dims(0);
  return dims.map((_, axis) => axis).slice(fromStart(node.int('axis', -1), dims.length));
}

function backward(
  b: GradientBuilder,
  node: ForwardNode,
  { dy, inverse }: { dy: string; inverse: string },
): readonly (string | null)[] {
  const axes = normalizedAxes(node);
  const z = b.mul(node.input(0), inverse);
  const product = b.mul(dy, z);
  const dx = (): string => {
    const along = b.mul(z, b.reduceMean(b.mul(product, node.input(1)), { axes }));
    return b.mul(inverse, b.sub(b.mul(dy, node.input(1)), along));
  };
  return [node.wants(0) ? dx() : null, node.wants(1) ? product : null];
}

export const rmsNormalization: readonly (BackwardRule | ExpandRule)[] = [
  defineRule({
    op: 'RMSNormalization',
    since: 23,
    backward(b, node, dy) {
      const x = node.input(0);
      const mean = b.reduceMean(b.mul(x, x), { axes: normalizedAxes(node) });
      const root = b.sqrt(b.add(mean, b.scalarLike(x, node.float('epsilon', 1e-5))));
      return backward(b, node, { dy, inverse: b.reciprocal(root) });
    },
  }),
  // onnxruntime registers it in the standard domain although the standard does not define it.
  defineRule({
    op: 'SimplifiedLayerNormalization',
    since: 1,
    backward: (b, node, dy) => backward(b, node, { dy, inverse: node.output(1) }),
  }),
  defineRule({
    op: 'SkipSimplifiedLayerNormalization',
    domain: 'com.microsoft',
    since: 1,
    expand(b, node) {
      const bias = node.optional(3);
      const skipped = b.add(node.input(0), node.input(1));
      const sum = bias === undefined ? skipped : b.add(skipped, bias);
      const attributes = { axis: int(-1), epsilon: float(node.float('epsilon', 1e-12)) };
      const [y = ''] = b.node('SimplifiedLayerNormalization', [sum, node.input(2)], { attributes });
      return [y, '', '', sum];
    },
  }),
];
