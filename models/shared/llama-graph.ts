/**
 * A Llama decoder as an ONNX graph of primitive operators: RMSNorm before each block, rotary positions over interleaved
 * pairs, grouped-query attention, SwiGLU (Touvron et al. 2023, https://arxiv.org/abs/2302.13971; the rotary layout is
 * that of the paper and of llama2.c, not the half-split one of transformers). No node of another domain: the graph is
 * differentiated and rewritten by methods. Each linear layer is one MatMul whose weight is an initializer [in, out].
 */
import { InputError } from '../../contracts/errors.ts';
import type { LayerRoles, LinearRole, Model } from '../../engine/definitions/model.ts';
import { createModel } from '../../engine/model/model.ts';
import { createGraphBuilder, type GraphBuilder } from '../../numerics/onnx/builder.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { attend } from './attention.ts';
import { buildLinear } from './linear-layer.ts';
import { buildPositions, type Positions, rotate } from './rotary-positions.ts';

export interface LlamaConfig {
  readonly width: number;
  readonly hiddenWidth: number;
  readonly heads: number;
  /** Divides `heads`. */
  readonly keyValueHeads: number;
  readonly vocabularySize: number;
  readonly contextLength: number;
  readonly normEpsilon: number;
  /** Base of the rotary wavelengths, 10,000 in the paper. */
  readonly rotaryBase: number;
}

/** Linear weights [in, out], row-major. */
export interface LlamaLayerWeights {
  readonly attentionNorm: Float32Array; // [width]
  readonly q: Float32Array; // [width, width]
  readonly k: Float32Array; // [width, keyValueHeads * headWidth]
  readonly v: Float32Array; // [width, keyValueHeads * headWidth]
  readonly o: Float32Array; // [width, width]
  readonly feedForwardNorm: Float32Array; // [width]
  readonly gate: Float32Array; // [width, hiddenWidth]
  readonly up: Float32Array; // [width, hiddenWidth]
  readonly down: Float32Array; // [hiddenWidth, width]
}

export interface LlamaWeights {
  readonly embedding: Float32Array; // [vocabulary, width]
  readonly layers: readonly LlamaLayerWeights[];
  readonly finalNorm: Float32Array; // [width]
  /** [width, vocabulary]; absent when the output layer is the transposed embedding. */
  readonly head?: Float32Array;
}

const OPSET = 21;

/** Throws InputError when heads do not divide the width or a weight's length does not match the configuration. */
export function buildLlama(id: string, config: LlamaConfig, weights: LlamaWeights): Model {
  const { width, heads, keyValueHeads, vocabularySize, contextLength } = config;
  const headWidth = width / heads;
  if (!Number.isInteger(headWidth) || headWidth % 2 !== 0 || heads % keyValueHeads !== 0) {
    throw new InputError(
      `${id}: width ${width}, ${heads} heads and ${keyValueHeads} key-value heads do not fit: ` +
        'a head needs an even width and key-value heads must divide heads',
    );
  }
  const b = createGraphBuilder({ name: id, opset: OPSET });
  const inputIds = b.input('input_ids', 'int64', ['batch', 'sequence']);
  const positions = buildPositions(b, inputIds, { ...config, headWidth });

  const embedding = b.initializer('embedding.weight', tensorOf('float32', [vocabularySize, width], weights.embedding));
  let residual = b.gather(embedding, inputIds, { name: 'embedding' });
  const layers = weights.layers.map((layerWeights, index) => {
    const layer = buildLayer(b.scope(`layers.${index}`), `layers.${index}`, {
      config,
      weights: layerWeights,
      positions,
      input: residual,
    });
    residual = layer.output;
    return layer;
  });

  const final = rmsNorm(b, 'final.norm', residual, { weight: weights.finalNorm, epsilon: config.normEpsilon });
  let head: LinearRole | undefined;
  if (weights.head) {
    head = buildLinear(b, 'head', 'head', {
      input: final,
      output: 'logits',
      weight: weights.head,
      dims: [width, vocabularySize],
    });
  } else {
    const transposed = b.transpose(embedding, [1, 0], { name: 'head.weight' });
    b.matmul(final, transposed, { name: 'head', output: 'logits' });
  }
  b.output('logits', { dtype: 'float32', dims: ['batch', 'sequence', vocabularySize] });

  return createModel({
    id,
    architecture: 'llama',
    kind: 'decoder',
    onnx: b.build(),
    roles: {
      width,
      heads,
      keyValueHeads,
      layers,
      embedding: { weight: embedding, node: 'embedding' },
      ...(head && { head }),
    },
    contextLength,
  });
}

interface LayerParts {
  readonly config: LlamaConfig;
  readonly weights: LlamaLayerWeights;
  readonly positions: Positions;
  readonly input: string;
}

/** One block: attention and feed-forward, each added to the residual stream. `b` is the layer's scope. */
function buildLayer(b: GraphBuilder, name: string, { config, weights: w, positions, input }: LayerParts): LayerRoles {
  const { width, hiddenWidth, heads, keyValueHeads, normEpsilon: epsilon } = config;
  const keyValueWidth = (width / heads) * keyValueHeads;
  const linear = (role: string, from: string, weight: Float32Array, dims: readonly [number, number]): LinearRole =>
    buildLinear(b, role, `${name}.${role}`, { input: from, weight, dims });

  const normalized = rmsNorm(b, 'attention.norm', input, { weight: w.attentionNorm, epsilon });
  const q = linear('q', normalized, w.q, [width, width]);
  const k = linear('k', normalized, w.k, [width, keyValueWidth]);
  const v = linear('v', normalized, w.v, [width, keyValueWidth]);
  const context = buildAttention(b.scope('attention'), { config, positions, q: q.output, k: k.output, v: v.output });
  const o = linear('o', context, w.o, [width, width]);
  const attended = b.add(input, o.output, { name: 'attention.output' });

  const feed = rmsNorm(b, 'feed_forward.norm', attended, { weight: w.feedForwardNorm, epsilon });
  const gate = linear('gate', feed, w.gate, [width, hiddenWidth]);
  const up = linear('up', feed, w.up, [width, hiddenWidth]);
  const sigmoid = b.sigmoid(gate.output, { name: 'feed_forward.sigmoid' });
  const swish = b.mul(gate.output, sigmoid, { name: 'feed_forward.swish' });
  const hidden = b.mul(swish, up.output, { name: 'feed_forward.hidden' });
  const down = linear('down', hidden, w.down, [hiddenWidth, width]);
  return { q, k, v, o, gate, up, down, input, output: b.add(attended, down.output, { name: 'output' }) };
}

interface AttentionParts {
  readonly config: LlamaConfig;
  readonly positions: Positions;
  readonly q: string; // [batch, sequence, width]
  readonly k: string; // [batch, sequence, keyValueHeads * headWidth]
  readonly v: string; // [batch, sequence, keyValueHeads * headWidth]
}

/** softmax(q kᵀ / √headWidth, causal) v, heads merged: [batch, sequence, width]. */
function buildAttention(b: GraphBuilder, { config, positions, q, k, v }: AttentionParts): string {
  const { width, heads, keyValueHeads } = config;
  const headWidth = width / heads;
  const query = rotate(b, 'query', q, { heads, headWidth, positions });
  const scaled = b.mul(query, b.scalar(1 / Math.sqrt(headWidth)), { name: 'query.scaled' });
  const queries = b.transpose(scaled, [0, 2, 1, 3], { name: 'queries' }); // [batch, heads, sequence, headWidth]

  const key = rotate(b, 'key', k, { heads: keyValueHeads, headWidth, positions });
  const value = b.reshape(v, [0, 0, keyValueHeads, headWidth], { name: 'value' });
  const keyHeads = b.transpose(key, [0, 2, 3, 1], { name: 'key.heads' }); // [batch, keyValueHeads, headWidth, sequence]
  const valueHeads = b.transpose(value, [0, 2, 1, 3], { name: 'value.heads' }); // [batch, keyValueHeads, sequence, headWidth]

  /** Repeats each key-value head for its group of query heads: [batch, keyValueHeads, …] → [batch, heads, …]. */
  const repeat = (of: string, from: string, dims: readonly [number, number]): string => {
    if (heads === keyValueHeads) return from;
    const single = b.unsqueeze(from, [2], { name: `${of}.single` });
    const groups = b.expand(single, [1, 1, heads / keyValueHeads, 1, 1], { name: `${of}.groups` });
    return b.reshape(groups, [0, heads, ...dims], { name: `${of}.repeated` });
  };
  const keys = repeat('key', keyHeads, [headWidth, -1]); // [batch, heads, headWidth, sequence]
  const values = repeat('value', valueHeads, [-1, headWidth]); // [batch, heads, sequence, headWidth]

  return attend(b, { queries, keys, values, visible: positions.visible, width });
}

/** x / sqrt(mean(x²) + ε) · weight over the last axis (Zhang & Sennrich 2019, https://arxiv.org/abs/1910.07467). */
function rmsNorm(
  b: GraphBuilder,
  name: string,
  x: string,
  { weight, epsilon }: { weight: Float32Array; epsilon: number },
): string {
  const squares = b.pow(x, b.scalar(2), { name: `${name}.squares` });
  const mean = b.reduceMean(squares, { axes: [-1], name: `${name}.mean` });
  const root = b.sqrt(b.add(mean, b.scalar(epsilon), { name: `${name}.shifted` }), { name: `${name}.root` });
  const unit = b.div(x, root, { name: `${name}.unit` });
  return b.mul(unit, b.initializer(`${name}.weight`, tensorOf('float32', [weight.length], weight)), { name });
}
