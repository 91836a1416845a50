/**
 * The layers of BERT and similar models: a norm after attention and one after the feed-forward block, biases
 * everywhere.
 */
import type { LayerWeights, TransformerSpecification } from '../transformer/specification.ts';
import type { Checkpoint } from './checkpoint.ts';

/** Names of a layer's parts, relative to the layer. */
export type PostNormNames = Readonly<
  Record<'q' | 'k' | 'v' | 'o' | 'attentionNorm' | 'up' | 'down' | 'feedForwardNorm', string>
>;

export async function readPostNormLayer(
  checkpoint: Checkpoint,
  { name, names }: { readonly name: string; readonly names: PostNormNames },
  { width, hiddenWidth }: TransformerSpecification,
): Promise<LayerWeights> {
  const linear = (part: string, dims: readonly [number, number]) =>
    checkpoint.linear(`${name}.${part}`, dims, { bias: true });
  const norm = (part: string) => checkpoint.norm(`${name}.${part}`, width, { bias: true });
  return {
    q: await linear(names.q, [width, width]),
    k: await linear(names.k, [width, width]),
    v: await linear(names.v, [width, width]),
    o: await linear(names.o, [width, width]),
    attentionNorm: await norm(names.attentionNorm),
    up: await linear(names.up, [width, hiddenWidth]),
    down: await linear(names.down, [hiddenWidth, width]),
    feedForwardNorm: await norm(names.feedForwardNorm),
  };
}
