/** Inputs of a step besides parameters: batches, noise, a teacher's logits. A pure function of the batch's index. */
import { InputError } from '../../contracts/errors.ts';
import { describeTensor, type NumericTensor, rawTensor } from '../../numerics/tensor/tensor.ts';

/** Concrete shapes by input. */
export type FeedShapes = Readonly<Record<string, readonly number[]>>;

export interface FeedSource {
  /** Shapes of every batch; of the largest where they differ. */
  readonly shapes: FeedShapes;
  /** Where batches differ in shape: the shapes of each kind of batch, and the kind of the batch with this index. */
  readonly kinds?: { readonly shapes: readonly FeedShapes[]; of(index: number): number };
  /** Tensors of one batch; the same for the same index, so that a resumed training equals an uninterrupted one. */
  at(index: number): Readonly<Record<string, NumericTensor>>;
}

/**
 * Several batches as one tensor [...stack, ...dims] per input. Throws InputError for a missing input or one of another
 * shape.
 */
export function stackFeeds(
  sources: readonly FeedSource[],
  {
    first,
    stack,
    wanted,
  }: {
    readonly first: number;
    readonly stack: readonly number[];
    readonly wanted: readonly { readonly name: string; readonly dtype: string; readonly dims: readonly number[] }[];
  },
): Record<string, NumericTensor> {
  const count = stack.reduce((product, dim) => product * dim, 1);
  const batches = Array.from(
    { length: count },
    (_, at) => Object.assign({}, ...sources.map((source) => source.at(first + at))) as Record<string, NumericTensor>,
  );
  const stacked: Record<string, NumericTensor> = {};
  for (const { name, dtype, dims } of wanted) {
    let bytes = new Uint8Array();
    for (const [at, batch] of batches.entries()) {
      const tensor = batch[name];
      if (tensor === undefined || tensor.dtype !== dtype || tensor.dims.join() !== dims.join()) {
        throw new InputError(
          `training: batch ${first + at} gives ${tensor === undefined ? 'nothing' : describeTensor(tensor)} for input "${name}", ` +
            `expected ${dtype}[${dims.join(', ')}]; it gives [${Object.keys(batch).join(', ')}]`,
        );
      }
      if (at === 0) bytes = new Uint8Array(count * tensor.bytes.byteLength);
      bytes.set(tensor.bytes, at * tensor.bytes.byteLength);
    }
    stacked[name] = rawTensor(dtype as NumericTensor['dtype'], [...stack, ...dims], bytes);
  }
  return stacked;
}
