/**
 * A GPT-2-style decoder as an ONNX graph of standard operators (Radford et al. 2019, "Language Models are Unsupervised
 * Multitask Learners"; https://github.com/openai/gpt-2): learned positions, LayerNorm before each block and at the end,
 * biases everywhere, GELU in its tanh form, output layer the transposed embedding. The graph is differentiated and
 * rewritten by methods. Differs from GPT-2: query, key and value are three MatMuls, so that each linear layer is one
 * node with one weight [in, out]; GELU is the operator of opset 20 (as fast as its fused form in onnxruntime).
 */
import { InputError } from '../../contracts/errors.ts';
import type { LayerRoles, Model } from '../../engine/definitions/model.ts';
import { createModel } from '../../engine/model/model.ts';
import { createGraphBuilder, type GraphBuilder } from '../../numerics/onnx/builder.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { multiHeadAttention } from './attention.ts';
import type { GptConfig, GptLayerWeights, GptWeights } from './gpt-weights.ts';
import { layerNorm } from './layer-norm.ts';
import { buildBiasedLinear, type LinearWeights } from './linear-layer.ts';
import { causalMask, positionIds, sequenceCount } from './positions.ts';

const OPSET = 21;

/** Throws InputError when heads do not divide the width or weights do not match the configuration. */
export function buildGpt(id: string, config: GptConfig, weights: GptWeights): Model {
  const { width, heads, vocabularySize, contextLength, normEpsilon: epsilon } = config;
  if (width % heads !== 0 || weights.layers.length !== config.layers) {
    throw new InputError(
      `${id}: ${heads} heads must divide the width ${width}, and weights of ${config.layers} layers are expected, got ${weights.layers.length}`,
    );
  }
  const b = createGraphBuilder({ name: id, opset: OPSET });
  const inputIds = b.input('input_ids', 'int64', ['batch', 'sequence']);
  const positions = positionIds(b, sequenceCount(b, inputIds));
  const visible = causalMask(b, positions);

  const embedding = b.initializer('embedding.weight', tensorOf('float32', [vocabularySize, width], weights.embedding));
  const table = b.initializer('positions.weight', tensorOf('float32', [contextLength, width], weights.positions));
  const tokens = b.gather(embedding, inputIds, { name: 'embedding' }); // [batch, sequence, width]
  const places = b.gather(table, positions, { name: 'positions.embedding' }); // [sequence, width]
  let residual = b.add(tokens, places, { name: 'embedding.placed' });
  const layers = weights.layers.map((layerWeights, index) => {
    const name = `layers.${index}`;
    const layer = buildLayer(b.scope(name), name, { config, weights: layerWeights, visible, input: residual });
    residual = layer.output;
    return layer;
  });

  const final = layerNorm(b, 'final.norm', residual, { weights: weights.finalNorm, epsilon });
  const transposed = b.transpose(embedding, [1, 0], { name: 'head.weight' });
  b.output(b.matmul(final, transposed, { name: 'head', output: 'logits' }), {
    dtype: 'float32',
    dims: ['batch', 'sequence', vocabularySize],
  });
  return createModel({
    id,
    architecture: 'gpt',
    kind: 'decoder',
    onnx: b.build(),
    roles: {
      width,
      heads,
      keyValueHeads: heads,
      layers,
      embedding: { weight: embedding, node: 'embedding' },
      positions: { weight: table, node: 'positions.embedding' },
    },
    contextLength,
  });
}

interface LayerParts {
  readonly config: GptConfig;
  readonly weights: GptLayerWeights;
  readonly visible: string;
  readonly input: string;
}

/** One block: attention and feed-forward, each added to the residual stream. `b` is the layer's scope. */
function buildLayer(b: GraphBuilder, name: string, { config, weights: w, visible, input }: LayerParts): LayerRoles {
  const { width, hiddenWidth, heads, normEpsilon: epsilon } = config;
  const linear = (role: string, from: string, weights: LinearWeights, dims: readonly [number, number]) =>
    buildBiasedLinear(b, role, `${name}.${role}`, { input: from, weights, dims });

  const normalized = layerNorm(b, 'attention.norm', input, { weights: w.attentionNorm, epsilon });
  const q = linear('q', normalized, w.q, [width, width]);
  const k = linear('k', normalized, w.k, [width, width]);
  const v = linear('v', normalized, w.v, [width, width]);
  const heard = { q: q.value, k: k.value, v: v.value, visible, heads, width };
  const o = linear('o', multiHeadAttention(b.scope('attention'), heard), w.o, [width, width]);
  const attended = b.add(input, o.value, { name: 'attention.output' });

  const feed = layerNorm(b, 'feed_forward.norm', attended, { weights: w.feedForwardNorm, epsilon });
  const up = linear('up', feed, w.up, [width, hiddenWidth]);
  const hidden = b.gelu(up.value, { approximate: 'tanh', name: 'feed_forward.hidden' });
  const down = linear('down', hidden, w.down, [hiddenWidth, width]);
  const output = b.add(attended, down.value, { name: 'output' });
  return { q: q.role, k: k.role, v: v.role, o: o.role, up: up.role, down: down.role, input, output };
}
