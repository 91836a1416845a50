/** One layer of a transformer, decoder or encoder, as ONNX nodes: attention and feed-forward with their norms and residuals. */
import type { LayerRoles } from '../../../engine/definitions/model.ts';
import type { GraphBuilder } from '../../../numerics/onnx/builder.ts';
import { attend } from '../attention.ts';
import { buildAnyLinear, type BuiltLinear } from './linear.ts';
import { buildNorm } from './norm.ts';
import { type Turning, turn } from './rotary.ts';
import type {
  Activation,
  LayerWeights,
  LinearWeights,
  NormWeights,
  TransformerSpecification,
} from './specification.ts';

export interface BlockParts {
  readonly specification: TransformerSpecification;
  readonly weights: LayerWeights;
  /** bool, broadcast to [batch, heads, sequence, sequence]: true where the row's position may see the column's. */
  readonly visible: string;
  /** Absent where positions are learned. */
  readonly turning?: Turning;
  /** [batch, sequence, width] */
  readonly input: string;
}

/** `b` is the layer's scope, `name` the layer's own name. */
export function buildBlock(b: GraphBuilder, name: string, parts: BlockParts): LayerRoles {
  const { specification, weights: w, input } = parts;
  const { width, hiddenWidth, heads, keyValueHeads, headWidth, norm, normPlacement, residual } = specification;
  const linear = (role: string, from: string, weights: LinearWeights, dims: readonly [number, number]): BuiltLinear =>
    buildAnyLinear(b, { name: role, role: `${name}.${role}`, input: from, weights, dims });
  const normalized = (of: string, x: string, weights: NormWeights | undefined): string =>
    weights === undefined ? x : buildNorm(b, of, x, { weights, norm });

  const attentionInput = normPlacement === 'after' ? input : normalized('attention.norm', input, w.attentionNorm);
  const q = linear('q', attentionInput, w.q, [width, heads * headWidth]);
  const k = linear('k', attentionInput, w.k, [width, keyValueHeads * headWidth]);
  const v = linear('v', attentionInput, w.v, [width, keyValueHeads * headWidth]);
  const context = buildAttention(b.scope('attention'), { ...parts, q: q.value, k: k.value, v: v.value });
  const o = linear('o', context, w.o, [heads * headWidth, width]);

  const feedForward = (
    from: string,
  ): { readonly roles: Pick<LayerRoles, 'gate' | 'up' | 'down'>; readonly value: string } => {
    const gate = w.gate && linear('gate', from, w.gate, [width, hiddenWidth]);
    const up = linear('up', from, w.up, [width, hiddenWidth]);
    const { activation } = specification;
    const hidden = gate
      ? b.mul(activate(b, 'feed_forward.active', gate.value, activation), up.value, { name: 'feed_forward.hidden' })
      : activate(b, 'feed_forward.hidden', up.value, activation);
    const down = linear('down', hidden, w.down, [hiddenWidth, width]);
    return { roles: { ...(gate && { gate: gate.role }), up: up.role, down: down.role }, value: down.value };
  };
  const roles = { q: q.role, k: k.role, v: v.role, o: o.role, input };

  if (residual === 'parallel') {
    const feed =
      w.feedForwardNorm === undefined ? attentionInput : normalized('feed_forward.norm', input, w.feedForwardNorm);
    const fed = feedForward(feed);
    const both = b.add(o.value, fed.value, { name: 'attention_and_feed_forward' });
    return { ...roles, ...fed.roles, output: b.add(both, input, { name: 'output' }) };
  }
  if (normPlacement === 'after') {
    const added = b.add(input, o.value, { name: 'attention.output' });
    const attended = normalized('attention.norm', added, w.attentionNorm);
    const fed = feedForward(attended);
    const sum = b.add(attended, fed.value, { name: 'feed_forward.output' });
    return { ...roles, ...fed.roles, output: normalized('feed_forward.norm', sum, w.feedForwardNorm) };
  }
  const heard = normalized('attention.output_norm', o.value, w.attentionOutputNorm);
  const attended = b.add(input, heard, { name: 'attention.output' });
  const fed = feedForward(normalized('feed_forward.norm', attended, w.feedForwardNorm));
  const taught = normalized('feed_forward.output_norm', fed.value, w.feedForwardOutputNorm);
  return { ...roles, ...fed.roles, output: b.add(attended, taught, { name: 'output' }) };
}

/** softmax(scale · q kᵀ, masked) v, heads merged: [batch, sequence, heads · headWidth]. */
function buildAttention(
  b: GraphBuilder,
  {
    specification,
    weights,
    visible,
    turning,
    q,
    k,
    v,
  }: Omit<BlockParts, 'input'> & { readonly q: string; readonly k: string; readonly v: string },
): string {
  const { heads, keyValueHeads, headWidth, norm, scoreScale } = specification;
  /** [batch, sequence, count, headWidth], normalised and rotated as the model specifies. */
  const placed = (name: string, x: string, count: number, weightsOfNorm: NormWeights | undefined): string => {
    let value = x;
    if (weightsOfNorm !== undefined || turning === undefined) {
      const last = weightsOfNorm === undefined ? name : `${name}.heads`;
      value = b.reshape(x, [0, 0, count, headWidth], { name: last });
    }
    if (weightsOfNorm !== undefined) {
      const named = turning === undefined ? name : `${name}.norm`;
      value = buildNorm(b, named, value, { weights: weightsOfNorm, norm });
    }
    return turning === undefined ? value : turn(b, name, value, { heads: count, headWidth, turning });
  };
  const query = placed('query', q, heads, weights.queryNorm);
  const scaled = b.mul(query, b.scalar(scoreScale), { name: 'query.scaled' });
  const queries = b.transpose(scaled, [0, 2, 1, 3], { name: 'queries' }); // [batch, heads, sequence, headWidth]
  const key = placed('key', k, keyValueHeads, weights.keyNorm);
  const value = b.reshape(v, [0, 0, keyValueHeads, headWidth], { name: 'value' });
  const keyHeads = b.transpose(key, [0, 2, 3, 1], { name: 'key.heads.ordered' }); // [batch, keyValueHeads, headWidth, sequence]
  const valueHeads = b.transpose(value, [0, 2, 1, 3], { name: 'value.heads' }); // [batch, keyValueHeads, sequence, headWidth]
  /** Repeats each key-value head for its group of query heads: [batch, keyValueHeads, …] → [batch, heads, …dims]. */
  const repeat = (of: string, from: string, dims: readonly [number, number]): string => {
    if (heads === keyValueHeads) return from;
    const single = b.unsqueeze(from, [2], { name: `${of}.single` });
    const groups = b.expand(single, [1, 1, heads / keyValueHeads, 1, 1], { name: `${of}.groups` });
    return b.reshape(groups, [0, heads, ...dims], { name: `${of}.repeated` });
  };
  return attend(b, {
    queries,
    keys: repeat('key', keyHeads, [headWidth, -1]),
    values: repeat('value', valueHeads, [-1, headWidth]),
    visible,
    width: heads * headWidth,
  });
}

export function activate(b: GraphBuilder, name: string, x: string, activation: Activation | 'tanh'): string {
  switch (activation) {
    case 'relu':
      return b.relu(x, { name });
    case 'tanh':
      return b.tanh(x, { name });
    case 'gelu':
      return b.gelu(x, { name });
    case 'gelu-tanh':
      return b.gelu(x, { approximate: 'tanh', name });
    case 'silu':
      return b.mul(x, b.sigmoid(x, { name: `${name}.sigmoid` }), { name });
  }
}
