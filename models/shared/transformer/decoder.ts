/**
 * Builds a decoder as an ONNX graph of standard operators from a specification. The graph is differentiated and
 * rewritten by methods; each linear layer is one MatMul whose weight is an initializer [in, out].
 */
import type { Model, RoleMap } from '../../../engine/definitions/model.ts';
import { createModel } from '../../../engine/model/model.ts';
import { createGraphBuilder, type GraphBuilder } from '../../../numerics/onnx/builder.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { causalMask, positionIds, sequenceCount } from '../positions.ts';
import { buildAnyLinear } from './linear.ts';
import { buildNorm } from './norm.ts';
import type { LayerWeights, LinearWeights, NormWeights, TransformerSpecification } from './specification.ts';
import { buildStack, OPSET, requireFittingShapes } from './stack.ts';

export interface DecoderWeights {
  readonly embedding: Float32Array; // [vocabulary, width]
  /** [context, width]; absent where positions are rotary. */
  readonly positions?: Float32Array;
  readonly layers: readonly LayerWeights[];
  readonly finalNorm?: NormWeights;
  /** [width, vocabulary]; absent when the output layer is the transposed embedding. */
  readonly head?: LinearWeights;
}

export interface DecoderParts {
  readonly id: string;
  /** `model_type` of config.json. */
  readonly architecture: string;
  readonly specification: TransformerSpecification;
  readonly weights: DecoderWeights;
}

/** Throws InputError for an inconsistent specification. */
export function buildDecoder({ id, architecture, specification, weights }: DecoderParts): Model {
  requireFittingShapes(id, specification, weights.layers);
  const { width, heads, keyValueHeads, vocabularySize, contextLength, embeddingScale = 1 } = specification;
  const b = createGraphBuilder({ name: id, opset: OPSET });
  const inputIds = b.input('input_ids', 'int64', ['batch', 'sequence']);
  const count = sequenceCount(b, inputIds);
  const positions = positionIds(b, count);
  const causal = causalMask(b, positions);

  const embedding = b.initializer('embedding.weight', tensorOf('float32', [vocabularySize, width], weights.embedding));
  let hidden = b.gather(embedding, inputIds, { name: 'embedding' }); // [batch, sequence, width]
  if (embeddingScale !== 1) hidden = b.mul(hidden, b.scalar(embeddingScale), { name: 'embedding.scaled' });
  let learned: RoleMap['positions'];
  if (weights.positions) {
    const table = b.initializer('positions.weight', tensorOf('float32', [contextLength, width], weights.positions));
    const places = b.gather(table, positions, { name: 'positions.embedding' }); // [sequence, width]
    hidden = b.add(hidden, places, { name: 'embedding.placed' });
    learned = { weight: table, node: 'positions.embedding' };
  }
  const layers = buildStack(b, {
    specification,
    weights: weights.layers,
    input: hidden,
    count,
    visible: (window) => (window === undefined ? causal : windowed(b, { causal, positions, window })),
  });
  const last = layers.at(-1)?.output ?? hidden;
  const final = weights.finalNorm
    ? buildNorm(b, 'final.norm', last, { weights: weights.finalNorm, norm: specification.norm })
    : last;
  const head =
    weights.head &&
    buildAnyLinear(b, {
      name: 'head',
      input: final,
      weights: weights.head,
      dims: [width, vocabularySize],
      output: 'logits',
    });
  if (!head)
    b.matmul(final, b.transpose(embedding, [1, 0], { name: 'head.weight' }), { name: 'head', output: 'logits' });
  b.output('logits', { dtype: 'float32', dims: ['batch', 'sequence', vocabularySize] });
  return createModel({
    id,
    architecture,
    kind: 'decoder',
    onnx: b.build(),
    roles: {
      width,
      heads,
      keyValueHeads,
      layers,
      embedding: { weight: embedding, node: 'embedding' },
      ...(learned && { positions: learned }),
      ...(head && { head: head.role }),
    },
    contextLength,
  });
}

/** bool [sequence, sequence]: restricts the visible positions to the position itself and the `window` − 1 before it. */
function windowed(
  b: GraphBuilder,
  { causal, positions, window }: { readonly causal: string; readonly positions: string; readonly window: number },
): string {
  const name = `attention.window_${window}`;
  const oldest = b.sub(b.unsqueeze(positions, [1], { name: `${name}.rows` }), b.scalar(window, 'int64'), {
    name: `${name}.end`,
  });
  return b.and(causal, b.greater(positions, oldest, { name: `${name}.near` }), { name });
}
