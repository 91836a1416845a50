/** The GPT-style decoder that the training benchmarks train, and batches for it. */
import { createGraphBuilder } from '../numerics/onnx/builder.ts';
import type { OnnxModel } from '../numerics/onnx/graph.ts';
import { createRandom } from '../numerics/tensor/random.ts';
import { tensorOf } from '../numerics/tensor/tensor.ts';
import type { FeedSource } from '../engine/training/feed-source.ts';

export interface DecoderShape {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly vocabularySize: number;
  readonly batch: number;
  readonly sequence: number;
}

/** Pre-LayerNorm, GELU, learned positions, biases, tied output layer. */
export function buildDecoder({ layers, width, heads, vocabularySize, batch, sequence }: DecoderShape): OnnxModel {
  const random = createRandom('bench-training');
  const b = createGraphBuilder({ name: 'decoder', opset: 21 });
  const matrix = (name: string, rows: number, columns: number) =>
    b.initializer(
      name,
      tensorOf(
        'float32',
        [rows, columns],
        Float32Array.from({ length: rows * columns }, () => 0.02 * random.normal()),
      ),
    );
  const vector = (name: string, length: number, value: number) =>
    b.initializer(name, tensorOf('float32', [length], new Float32Array(length).fill(value)));
  const norm = (name: string, x: string) =>
    b.layerNormalization(x, vector(`${name}.weight`, width, 1), { bias: vector(`${name}.bias`, width, 0), name });
  const linear = (name: string, x: string, inFeatures: number, outFeatures: number) =>
    b.add(
      b.matmul(x, matrix(`${name}.weight`, inFeatures, outFeatures), { name }),
      vector(`${name}.bias`, outFeatures, 0),
    );

  const ids = b.input('input_ids', 'int64', [batch, sequence]);
  const embedding = matrix('embedding.weight', vocabularySize, width);
  const visible = b.initializer('visible', {
    dtype: 'bool',
    dims: [sequence, sequence],
    bytes: Uint8Array.from({ length: sequence ** 2 }, (_, at) => (at % sequence <= Math.floor(at / sequence) ? 1 : 0)),
  });
  let x = b.add(b.gather(embedding, ids), matrix('position.weight', sequence, width));
  for (let layer = 0; layer < layers; layer++) {
    const name = `layers.${layer}`;
    const normal = norm(`${name}.norm1`, x);
    const head = (part: 'q' | 'k' | 'v') => {
      const split = b.reshape(linear(`${name}.${part}`, normal, width, width), [batch, sequence, heads, width / heads]);
      return b.transpose(split, part === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3]);
    };
    const [q, k, v] = [head('q'), head('k'), head('v')];
    const scores = b.matmul(b.mul(q, b.scalar(1 / Math.sqrt(width / heads))), k);
    const attention = b.softmax(b.where(visible, scores, b.scalar(-1e9)), { axis: -1 });
    const mixed = b.reshape(b.transpose(b.matmul(attention, v), [0, 2, 1, 3]), [batch, sequence, width]);
    x = b.add(x, linear(`${name}.o`, mixed, width, width));
    const up = b.gelu(linear(`${name}.up`, norm(`${name}.norm2`, x), width, 4 * width));
    x = b.add(x, linear(`${name}.down`, up, 4 * width, width));
  }
  const logits = b.matmul(norm('norm', x), b.transpose(embedding, [1, 0]), { output: 'logits' });
  b.output(logits, { dtype: 'float32', dims: [batch, sequence, vocabularySize] });
  return b.build();
}

/** Repeats one random batch. */
export function decoderBatches({ batch, sequence, vocabularySize }: DecoderShape): FeedSource {
  const dims = [batch, sequence];
  const random = createRandom('bench-training tokens');
  const tokens = () =>
    tensorOf(
      'int64',
      dims,
      BigInt64Array.from({ length: batch * sequence }, () => BigInt(random.integer(vocabularySize))),
    );
  const feeds = {
    input_ids: tokens(),
    targets: tokens(),
    target_weights: tensorOf('float32', dims, new Float32Array(batch * sequence).fill(1)),
  };
  return { shapes: { input_ids: dims, targets: dims, target_weights: dims }, at: () => feeds };
}
