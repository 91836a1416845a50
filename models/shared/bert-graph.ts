/**
 * A BERT-style encoder with a classifier as an ONNX graph of standard operators (Devlin et al. 2019,
 * https://arxiv.org/abs/1810.04805; https://github.com/google-research/bert): learned positions, LayerNorm after the
 * embedding and after each residual addition, GELU in its exact (erf) form, first token → dense → tanh → classifier.
 * The graph is differentiated and rewritten by methods; each linear layer is one MatMul with a weight [in, out].
 * Differs from BERT: no segment embedding, since the separator marks the second text; GELU is the operator of opset 20.
 */
import { InputError } from '../../contracts/errors.ts';
import type { LayerRoles, Model } from '../../engine/definitions/model.ts';
import { createModel } from '../../engine/model/model.ts';
import { createGraphBuilder, type GraphBuilder } from '../../numerics/onnx/builder.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { multiHeadAttention } from './attention.ts';
import type { BertConfig, BertLayerWeights, BertWeights } from './bert-weights.ts';
import { layerNorm } from './layer-norm.ts';
import { buildBiasedLinear, type LinearWeights } from './linear-layer.ts';
import { paddingMask, positionIds, sequenceCount } from './positions.ts';

const OPSET = 21;

/** Throws InputError when heads do not divide the width or weights do not match the configuration. */
export function buildBert(id: string, config: BertConfig, weights: BertWeights): Model {
  const { width, heads, vocabularySize, contextLength, classes, normEpsilon: epsilon } = config;
  if (width % heads !== 0 || weights.layers.length !== config.layers) {
    throw new InputError(
      `${id}: ${heads} heads must divide the width ${width}, and weights of ${config.layers} layers are expected, got ${weights.layers.length}`,
    );
  }
  const b = createGraphBuilder({ name: id, opset: OPSET });
  const inputIds = b.input('input_ids', 'int64', ['batch', 'sequence']);
  const attentionMask = b.input('attention_mask', 'int64', ['batch', 'sequence']);
  const positions = positionIds(b, sequenceCount(b, inputIds));
  const visible = paddingMask(b, attentionMask);

  const embedding = b.initializer('embedding.weight', tensorOf('float32', [vocabularySize, width], weights.embedding));
  const table = b.initializer('positions.weight', tensorOf('float32', [contextLength, width], weights.positions));
  const tokens = b.gather(embedding, inputIds, { name: 'embedding' }); // [batch, sequence, width]
  const places = b.gather(table, positions, { name: 'positions.embedding' }); // [sequence, width]
  const placed = b.add(tokens, places, { name: 'embedding.placed' });
  let hidden = layerNorm(b, 'embedding.norm', placed, { weights: weights.embeddingNorm, epsilon });
  const layers = weights.layers.map((layerWeights, index) => {
    const name = `layers.${index}`;
    const layer = buildLayer(b.scope(name), name, { config, weights: layerWeights, visible, input: hidden });
    hidden = layer.output;
    return layer;
  });

  const first = b.gather(hidden, b.scalar(0, 'int64'), { axis: 1, name: 'first' }); // [batch, width]
  const pooler = buildBiasedLinear(b, 'pooler', 'pooler', {
    input: first,
    weights: weights.pooler,
    dims: [width, width],
  });
  const pooled = b.tanh(pooler.value, { name: 'pooled' });
  const classifier = buildBiasedLinear(b, 'classifier', 'classifier', {
    input: pooled,
    weights: weights.classifier,
    dims: [width, classes],
    biasedOutput: 'logits',
  });
  b.output(classifier.value, { dtype: 'float32', dims: ['batch', classes] });
  return createModel({
    id,
    architecture: 'bert',
    kind: 'encoder',
    onnx: b.build(),
    roles: {
      width,
      heads,
      keyValueHeads: heads,
      layers,
      embedding: { weight: embedding, node: 'embedding' },
      positions: { weight: table, node: 'positions.embedding' },
      pooler: pooler.role,
      head: classifier.role,
    },
    contextLength,
  });
}

interface LayerParts {
  readonly config: BertConfig;
  readonly weights: BertLayerWeights;
  readonly visible: string;
  readonly input: string;
}

/** One block: attention and feed-forward, each added to its input and normalised. `b` is the layer's scope. */
function buildLayer(b: GraphBuilder, name: string, { config, weights: w, visible, input }: LayerParts): LayerRoles {
  const { width, hiddenWidth, heads, normEpsilon: epsilon } = config;
  const linear = (role: string, from: string, weights: LinearWeights, dims: readonly [number, number]) =>
    buildBiasedLinear(b, role, `${name}.${role}`, { input: from, weights, dims });

  const q = linear('q', input, w.q, [width, width]);
  const k = linear('k', input, w.k, [width, width]);
  const v = linear('v', input, w.v, [width, width]);
  const heard = { q: q.value, k: k.value, v: v.value, visible, heads, width };
  const o = linear('o', multiHeadAttention(b.scope('attention'), heard), w.o, [width, width]);
  const added = b.add(input, o.value, { name: 'attention.output' });
  const attended = layerNorm(b, 'attention.norm', added, { weights: w.attentionNorm, epsilon });

  const up = linear('up', attended, w.up, [width, hiddenWidth]);
  const hidden = b.gelu(up.value, { name: 'feed_forward.hidden' });
  const down = linear('down', hidden, w.down, [hiddenWidth, width]);
  const fed = b.add(attended, down.value, { name: 'feed_forward.output' });
  const output = layerNorm(b, 'feed_forward.norm', fed, { weights: w.feedForwardNorm, epsilon });
  return { q: q.role, k: k.role, v: v.role, o: o.role, up: up.role, down: down.role, input, output };
}
