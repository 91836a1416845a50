/**
 * Layer normalization over the axes from `axis` on. Ba et al. 2016, https://arxiv.org/abs/1607.06450
 * https://onnx.ai/onnx/operators/onnx__LayerNormalization.html — x, y, dy: [rows..., n...]; mean μ, inverse deviation r: [rows..., 1...]; scale γ, shift β: [n...]
 *   z = (x - μ) r                 y = γ z + β
 *   dγ = Σ_rows dy z              dβ = Σ_rows dy
 *   dx = r (dz - mean dz - z mean(dz z))        dz = dy γ, means over n
 */
import { int, float } from '../../onnx/attributes.ts';
import type { GradientBuilder } from '../gradient-builder.ts';
import { type BackwardRule, defineRule, type ExpandRule, type ForwardNode, fromStart } from '../rule.ts';

/** x - μ and r: the forward node's, or recomputed where the node rounds them to another element type. */
function statistics(
  b: GradientBuilder,
  node: ForwardNode,
  axes: readonly number[],
): { readonly centred: string; readonly inverse: string } {
  const x = node.input(0);
  if (b.dtype(x) === 'float32') return { centred: b.sub(x, node.output(1)), inverse: node.output(2) };
  const centred = b.sub(x, b.reduceMean(x, { axes }));
  const variance = b.reduceMean(b.mul(centred, centred), { axes });
  const deviation = b.sqrt(b.add(variance, b.scalarLike(x, node.float('epsilon', 1e-5))));
  return { centred, inverse: b.reciprocal(deviation) };
}

export const layerNormalization: readonly (BackwardRule | ExpandRule)[] = [
  defineRule({
    op: 'LayerNormalization',
    since: 17,
    backward(b, node, dy) {
      const dims = node.dims(0);
      const first = fromStart(node.int('axis', -1), dims.length);
      const axes = dims.map((_, axis) => axis).slice(first);
      const scale = node.input(1);
      const { centred: shifted, inverse } = statistics(b, node, axes);
      const normalized = b.mul(shifted, inverse);
      const dz = b.mul(dy, scale);
      let dx: string | null = null;
      if (node.wants(0)) {
        const along = b.mul(normalized, b.reduceMean(b.mul(dz, normalized), { axes }));
        const centred = b.sub(dz, b.reduceMean(dz, { axes }));
        dx = b.mul(inverse, b.sub(centred, along));
      }
      return [dx, node.wants(1) ? b.mul(dy, normalized) : null, node.wants(2) ? dy : null];
    },
  }),
  defineRule({
    op: 'SkipLayerNormalization',
    domain: 'com.microsoft',
    since: 1,
    expand(b, node) {
      const bias = node.optional(4);
      const skipped = b.add(node.input(0), node.input(1));
      const sum = bias === undefined ? skipped : b.add(skipped, bias);
      const shift = node.optional(3);
      const inputs = [sum, node.input(2), ...(shift === undefined ? [] : [shift])];
      const attributes = { axis: int(-1), epsilon: float(node.float('epsilon', 1e-12)) };
      const [y = ''] = b.node('LayerNormalization', inputs, { attributes });
      return [y, '', '', sum];
    },
  }),
];
