/**
 * https://onnx.ai/onnx/operators/onnx__SoftmaxCrossEntropyLoss.html, onnx__NegativeLogLikelihoodLoss.html
 * scores s, log-probabilities l = log softmax s: [batch, classes, ...]; labels t: [batch, ...]; weights w: [classes]
 *   loss = -Σ w_t l_t / D,  D: 1 for sum and none, Σ w_t for mean; ignored labels count with weight 0
 *   dl = -g at t, else 0            ds = g (softmax s - onehot t)         g = dloss w_t / D: [batch, 1, ...]
 */
import { present } from '../../../contracts/present.ts';
import { int } from '../../onnx/attributes.ts';
import { elementCount } from '../../tensor/tensor.ts';
import type { GradientBuilder } from '../gradient-builder.ts';
import { type BackwardRule, defineRule, type ForwardNode } from '../rule.ts';

interface Labelled {
  /** [batch, 1, ...], 0 where ignored */
  readonly labels: string;
  /** g: [batch, 1, ...] or [] */
  readonly share: string;
}

function labelled(b: GradientBuilder, node: ForwardNode, dy: string): Labelled {
  const dims = node.dims(1);
  const column = [present(dims[0], 'dims[0]'), 1, ...dims.slice(1)];
  const given = b.reshapeTo(node.input(1), column);
  const ignored = node.has('ignore_index') ? b.equal(given, b.scalarLike(given, node.int('ignore_index'))) : undefined;
  const labels = ignored === undefined ? given : b.where(ignored, b.scalarLike(given, 0), given);
  const weights = node.optional(2);
  const reduction = node.text('reduction', 'mean');
  const loss = reduction === 'none' ? b.reshapeTo(dy, column) : b.reshapeTo(dy, []);
  if (ignored === undefined && weights === undefined) {
    return { labels, share: reduction === 'mean' ? b.scale(loss, 1 / elementCount(dims)) : loss };
  }
  const one = b.scalarLike(dy, 1);
  const weight = weights === undefined ? one : b.gather(weights, labels);
  const counted = ignored === undefined ? weight : b.where(ignored, b.scalarLike(dy, 0), weight);
  const total = (): string => b.reduceSum(counted, { axes: column.map((_, axis) => axis), keepdims: false });
  return { labels, share: b.mul(counted, reduction === 'mean' ? b.div(loss, total()) : loss) };
}

/** Scatters [batch, 1, ...] into [batch, classes, ...]. */
function atLabels(b: GradientBuilder, into: string, { labels, updates }: { labels: string; updates: string }): string {
  const full = b.expandTo(updates, b.dims(labels));
  return present(
    b.node('ScatterElements', [into, labels, full], { attributes: { axis: int(1) } })[0],
    'the output of ScatterElements',
  );
}

export const crossEntropy: readonly BackwardRule[] = [
  defineRule({
    op: 'NegativeLogLikelihoodLoss',
    since: 13,
    backward(b, node, dy) {
      const { labels, share } = labelled(b, node, dy);
      return [atLabels(b, b.zeros(node.dims(0), b.dtype(dy)), { labels, updates: b.neg(share) })];
    },
  }),
  defineRule({
    op: 'SoftmaxCrossEntropyLoss',
    since: 13,
    backward(b, node, dy) {
      const { labels, share } = labelled(b, node, dy);
      const shares = b.mul(b.exp(node.output(1)), share);
      const own = b.gatherElements(shares, labels, { axis: 1 });
      return [atLabels(b, shares, { labels, updates: b.sub(own, share) })];
    },
  }),
];
