/**
 * Batches of rows of similar length, each padded to the length of its bucket. Most texts are short; padding all rows to
 * the longest would fill batches mostly with padding.
 */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { Example } from '../definitions/method.ts';
import { createRandom } from '../../numerics/tensor/random.ts';
import { type Batches, type BatchOptions, batchFeeds, batchShapes } from './batches.ts';

/** Lengths are rounded up to a multiple of it. */
const LENGTH_STEP = 8;

export interface BucketOptions extends Omit<BatchOptions, 'sequence' | 'arrangement'> {
  /** Rows are truncated to this length. */
  readonly longest: number;
  /** Number of batch shapes, each with a step graph of its own; default 4. */
  readonly buckets?: number;
  /** Consecutive batches of one shape, to be run in one call; default 8. */
  readonly run?: number;
}

interface BucketedBatch {
  readonly bucket: number;
  readonly rows: readonly Example[];
}

/**
 * The inputs of tokenBatches. Rows that do not fill a batch of their bucket move to the next longer one; the remaining
 * ones of the longest bucket are omitted from the epoch. Throws InputError when there is less than one batch.
 */
export function bucketedBatches(options: BucketOptions): Batches {
  const { batch, seed, longest, task = 'next-token', inputs = [], padding = 0, buckets = 4, run = 8 } = options;
  const { dataset, examples } = options.examples;
  const extra = task === 'next-token' ? 1 : 0;
  const lengthOf = ({ tokens }: Example): number => Math.min(longest, tokens.length - extra);
  const lengths = bucketLengths(examples.map(lengthOf), { buckets, longest });
  const bucketOf = (example: Example): number => lengths.findIndex((length) => lengthOf(example) <= length);
  const members = Map.groupBy(examples, bucketOf);
  const shapes = lengths.map((sequence) => batchShapes({ batch, sequence, task, inputs }));
  const batchesPerEpoch = Math.floor(examples.length / batch);
  if (batchesPerEpoch < 1) {
    throw new InputError(
      `batches: ${dataset} has ${examples.length} rows, expected at least a batch of ${batch}; lower batch`,
    );
  }
  const random = createRandom(`${seed}/buckets`);

  function batchesOf(epoch: number): readonly BucketedBatch[] {
    const order = random.fork(`epoch ${epoch}`);
    const runs: BucketedBatch[][] = [];
    let left: readonly Example[] = [];
    for (const bucket of lengths.keys()) {
      const rows = order.shuffle([...left, ...(members.get(bucket) ?? [])]);
      const full = Math.floor(rows.length / batch);
      const made = Array.from({ length: full }, (_, at) => ({
        bucket,
        rows: rows.slice(at * batch, (at + 1) * batch),
      }));
      for (let at = 0; at < full; at += run) runs.push(made.slice(at, at + run));
      left = rows.slice(full * batch);
    }
    return order.shuffle(runs).flat();
  }
  let held: { readonly epoch: number; readonly batches: readonly BucketedBatch[] } = { epoch: -1, batches: [] };
  function batchAt(index: number): BucketedBatch {
    const epoch = Math.floor(index / batchesPerEpoch);
    if (epoch !== held.epoch) held = { epoch, batches: batchesOf(epoch) };
    return present(held.batches[index % batchesPerEpoch], `batch ${index}`);
  }
  const lastShapes = present(shapes.at(-1), 'the longest bucket');
  return {
    shapes: lastShapes,
    kinds: { shapes, of: (index) => batchAt(index).bucket },
    tokensPerBatch: Math.round((batch * examples.reduce((sum, row) => sum + lengthOf(row), 0)) / examples.length),
    batchesPerEpoch,
    at(index) {
      const { bucket, rows } = batchAt(index);
      const sequence = present(lengths[bucket], `length of bucket ${bucket}`);
      return batchFeeds(rows, { shapes: present(shapes[bucket], `shapes of bucket ${bucket}`), sequence, padding });
    },
  };
}

/**
 * Lengths to pad to, ascending, the last one that of the longest row: the `buckets` multiples of 8 with the fewest
 * padded tokens, found by dynamic programming over the multiples that occur.
 */
export function bucketLengths(
  rowLengths: readonly number[],
  { buckets, longest }: { readonly buckets: number; readonly longest: number },
): readonly number[] {
  const rounded = rowLengths.map((length) => Math.min(longest, Math.ceil(length / LENGTH_STEP) * LENGTH_STEP));
  const counts = [...Map.groupBy(rounded, (length) => length)]
    .map(([length, rows]) => ({ length, rows: rows.length }))
    .sort((a, b) => a.length - b.length);
  // best[at]: the cheapest ways to cover the lengths up to `at`, by number of buckets.
  interface Cover {
    readonly tokens: number;
    readonly ends: readonly number[];
  }
  let best: (Cover | undefined)[] = counts.map(() => undefined);
  let chosen: Cover | undefined;
  for (let used = 1; used <= Math.min(buckets, counts.length); used++) {
    const before = best;
    best = counts.map(({ length }, end) => {
      let cheapest: Cover | undefined;
      let rows = 0;
      for (let start = end; start >= 0; start--) {
        rows += present(counts[start], `length ${start}`).rows;
        const rest = start === 0 ? { tokens: 0, ends: [] } : before[start - 1];
        if ((used === 1) !== (start === 0) || rest === undefined) continue;
        const tokens = rest.tokens + rows * length;
        if (cheapest === undefined || tokens < cheapest.tokens) cheapest = { tokens, ends: [...rest.ends, length] };
      }
      return cheapest;
    });
    const whole = best.at(-1);
    if (whole !== undefined && (chosen === undefined || whole.tokens < chosen.tokens)) chosen = whole;
  }
  return present(chosen, 'lengths of at least one row').ends;
}
