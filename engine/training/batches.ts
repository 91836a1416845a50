/** Batches of tokens of a fixed shape, reshuffled in every epoch. A batch is a function of seed and index. */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { ExampleSet } from '../definitions/method.ts';
import { createRandom } from '../../numerics/tensor/random.ts';
import { type NumericTensor, tensorOf } from '../../numerics/tensor/tensor.ts';
import type { FeedShapes, FeedSource } from './feed-source.ts';

export interface BatchOptions {
  readonly examples: ExampleSet;
  readonly batch: number;
  readonly sequence: number;
  readonly seed: string | number;
  /**
   * pad: one example per row, truncated to the length and filled with `padding`, which the loss ignores. pack: all
   * tokens of the epoch in one stream, divided into rows; there is no padding, and a row may contain parts of several
   * examples.
   */
  readonly arrangement?: 'pad' | 'pack';
  /** Padding token; default 0. */
  readonly padding?: number;
  /** Default: those of `next-token`. */
  readonly task?: 'next-token' | 'classification' | 'similarity';
  /** Names of further inputs of the model. */
  readonly inputs?: readonly ('attention_mask' | 'token_type_ids')[];
}

export interface Batches extends FeedSource {
  readonly tokensPerBatch: number;
  readonly batchesPerEpoch: number;
}

export interface BatchRow {
  /** At most sequence + 1, or sequence for classification. */
  readonly tokens: Int32Array;
  readonly secondSegment?: number;
  readonly label?: number;
  readonly partner?: Int32Array;
  readonly score?: number;
}

/**
 * Inputs `input_ids`; for next-token `targets` and `target_weights` of nextTokenCrossEntropy, for classification
 * `labels`, for similarity `scores`: rows 2i and 2i + 1 are the two texts of a pair, and a batch has half as many
 * examples as rows. An incomplete last batch of an epoch is omitted. Throws InputError when there is less than one
 * batch.
 */
export function tokenBatches(options: BatchOptions): Batches {
  const { examples, batch, sequence, seed, arrangement = 'pad', task = 'next-token', inputs = [] } = options;
  if (task !== 'next-token' && arrangement === 'pack') {
    throw new InputError(`batches: ${task} has one target per row; arrange rows by "pad"`);
  }
  const perExample = task === 'similarity' ? 2 : 1;
  if (batch % perExample !== 0) throw new InputError(`batches: pairs need an even batch, got ${batch}`);
  const rowLength = task === 'next-token' ? sequence + 1 : sequence;
  const rowCount =
    arrangement === 'pad' ? perExample * examples.examples.length : Math.floor(examples.tokenCount / rowLength);
  const batchesPerEpoch = Math.floor(rowCount / batch);
  if (batchesPerEpoch < 1) {
    throw new InputError(
      `batches: ${examples.dataset} has ${rowCount} rows of ${rowLength} tokens, expected at least a batch of ${batch}; lower batch or sequence`,
    );
  }
  const random = createRandom(`${seed}/batches`);
  const order = Array.from(examples.examples.keys());
  let epochHeld = -1;
  let rowsHeld: readonly BatchRow[] = [];

  function rowsOf(epoch: number): readonly BatchRow[] {
    if (epoch === epochHeld) return rowsHeld;
    const shuffled = random
      .fork(`epoch ${epoch}`)
      .shuffle(order)
      .map((at) => present(examples.examples[at], `example ${at}`));
    const padded = task === 'similarity' ? shuffled.flatMap(bothTexts) : shuffled;
    rowsHeld = arrangement === 'pad' ? padded : packed(shuffled, { rowLength, rowCount, total: examples.tokenCount });
    epochHeld = epoch;
    return rowsHeld;
  }

  const shapes = batchShapes({ batch, sequence, task, inputs });
  return {
    shapes,
    tokensPerBatch: batch * sequence,
    batchesPerEpoch,
    at(index) {
      const first = (index % batchesPerEpoch) * batch;
      const rows = rowsOf(Math.floor(index / batchesPerEpoch)).slice(first, first + batch);
      return batchFeeds(rows, { shapes, sequence, padding: options.padding ?? 0 });
    },
  };
}

/** Shapes of a batch of these rows, by input. */
export function batchShapes({
  batch,
  sequence,
  task = 'next-token',
  inputs = [],
}: Pick<BatchOptions, 'batch' | 'sequence' | 'task' | 'inputs'>): FeedShapes {
  const names = ['input_ids', ...inputs, ...(task === 'next-token' ? ['targets', 'target_weights'] : [])];
  return {
    ...Object.fromEntries(names.map((name) => [name, [batch, sequence]])),
    ...(task === 'classification' && { labels: [batch] }),
    ...(task === 'similarity' && { scores: [batch / 2] }),
  };
}

/** Converts the rows to inputs of these shapes. Throws InputError for a row without a required label. */
export function batchFeeds(
  rows: readonly BatchRow[],
  { shapes, sequence, padding }: { readonly shapes: FeedShapes; readonly sequence: number; readonly padding: number },
): Readonly<Record<string, NumericTensor>> {
  const made = fill(rows, { sequence, padding });
  const feeds: Record<string, NumericTensor> = {};
  for (const [name, shape] of Object.entries(shapes)) {
    if (name === 'labels')
      feeds[name] = tensorOf(
        'int64',
        shape,
        BigInt64Array.from(rows, ({ label }, at) => labelOf(label, at)),
      );
    else if (name === 'scores') feeds[name] = tensorOf('float32', shape, scoresOf(rows));
    else if (name === 'target_weights') feeds[name] = tensorOf('float32', shape, made.weights);
    else feeds[name] = tensorOf('int64', shape, made[name as 'input_ids']);
  }
  return feeds;
}

/** A pair as two rows. Throws InputError for an example without a partner. */
function bothTexts(row: BatchRow): BatchRow[] {
  const { partner, score } = row;
  if (partner !== undefined && score !== undefined) return [row, { tokens: partner, score }];
  throw new InputError('batches: similarity needs pairs of texts with a score, got an example without one');
}

function scoresOf(rows: readonly BatchRow[]): Float32Array {
  return Float32Array.from({ length: rows.length / 2 }, (_, pair) =>
    present(rows[2 * pair]?.score, `score of pair ${pair}`),
  );
}

function labelOf(label: number | undefined, row: number): bigint {
  if (label === undefined)
    throw new InputError(`batches: classification needs labels, got none for example ${row} of a batch`);
  return BigInt(label);
}

function fill(
  rows: readonly BatchRow[],
  { sequence, padding }: { readonly sequence: number; readonly padding: number },
) {
  const count = rows.length * sequence;
  const made = {
    input_ids: new BigInt64Array(count).fill(BigInt(padding)),
    targets: new BigInt64Array(count).fill(BigInt(padding)),
    attention_mask: new BigInt64Array(count),
    token_type_ids: new BigInt64Array(count),
    weights: new Float32Array(count),
  };
  for (const [row, { tokens, secondSegment = sequence }] of rows.entries()) {
    const start = row * sequence;
    for (const [at, token] of tokens.subarray(0, sequence).entries()) {
      made.input_ids[start + at] = BigInt(token);
      made.attention_mask[start + at] = 1n;
      if (at >= secondSegment) made.token_type_ids[start + at] = 1n;
      const next = tokens[at + 1];
      if (next === undefined) continue;
      made.targets[start + at] = BigInt(next);
      made.weights[start + at] = 1;
    }
  }
  return made;
}

/** All tokens in sequence, divided into rows. */
function packed(
  examples: readonly BatchRow[],
  { rowLength, rowCount, total }: { readonly rowLength: number; readonly rowCount: number; readonly total: number },
): readonly BatchRow[] {
  const stream = new Int32Array(total);
  let end = 0;
  for (const { tokens } of examples) {
    stream.set(tokens, end);
    end += tokens.length;
  }
  return Array.from({ length: rowCount }, (_, row) => ({
    tokens: stream.subarray(row * rowLength, (row + 1) * rowLength),
    label: 0,
  }));
}
