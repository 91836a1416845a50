/**
 * Rotary positions. Su et al. 2021, https://arxiv.org/abs/2104.09864 — a rotation by the angles of the caches, so the gradient
 * is the rotation back: the same operator with the sines negated. x, y, dy: [batch, sequence, width] or [batch, heads, sequence, head width]
 * https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html; the order of inputs differs in com.microsoft.
 */
import type { BackwardRule } from '../rule.ts';
import { defineRule } from '../rule.ts';

interface Order {
  readonly domain: string;
  readonly since: number;
  readonly sines: number;
}

const rotary = ({ domain, since, sines }: Order): BackwardRule =>
  defineRule({
    op: 'RotaryEmbedding',
    domain,
    since,
    backward(b, node, dy) {
      const inputs = node.node.inputs.map((name, index) => (index === 0 ? dy : index === sines ? b.neg(name) : name));
      return b.node('RotaryEmbedding', inputs, { domain, attributes: Object.fromEntries(node.node.attributes) });
    },
  });

export const rotaryEmbedding: readonly BackwardRule[] = [
  rotary({ domain: '', since: 23, sines: 2 }),
  rotary({ domain: 'com.microsoft', since: 1, sines: 3 }),
];
