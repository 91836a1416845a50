/** Rows to token sequences for calibration and training: drawn at random, or all in order. */
import { createHash } from 'node:crypto';
import type { DatasetRow } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';
import type { Example, ExampleSet } from '../definitions/method.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { createRandom, type Random } from '../../numerics/tensor/random.ts';
import { type Encoding, encodeRow } from './encode-row.ts';

/** A sequence of one token predicts nothing. */
const SHORTEST_EXAMPLE = 2;

interface EncodingOptions extends Encoding {
  readonly rows: readonly DatasetRow[];
}

function exampleOf(row: DatasetRow, encoding: Encoding): Example {
  return { ...encodeRow(row, encoding), ...(row.label !== undefined && { label: row.label }) };
}

/**
 * Rows in random order until `tokenBudget` tokens are reached, the last one cut to fit: all methods see the same number
 * (less one at most, since one token is too short for an example). Throws InputError when the rows together hold fewer.
 */
export function drawExamples(
  options: EncodingOptions & { readonly dataset: string; readonly tokenBudget: number; readonly random: Random },
): ExampleSet {
  const { rows, tokenBudget, random } = options;
  const examples: Example[] = [];
  let tokenCount = 0;
  for (const row of random.shuffle(rows)) {
    const room = tokenBudget - tokenCount;
    if (room < SHORTEST_EXAMPLE) break;
    const example = exampleOf(row, options);
    const tokens = example.tokens.subarray(0, room);
    if (tokens.length < SHORTEST_EXAMPLE) continue;
    examples.push({ ...example, tokens });
    tokenCount += tokens.length;
  }
  if (tokenBudget - tokenCount >= SHORTEST_EXAMPLE) {
    throw new InputError(
      `${options.dataset}: ${rows.length} rows hold ${tokenCount} tokens, ${tokenBudget} were asked for; lower the token budget`,
    );
  }
  return { dataset: options.dataset, contentHash: hashExamples(examples), examples, tokenCount };
}

/**
 * What a run hands to methods of the split: calibration examples within the protocol's budget, or all training examples, both
 * in an order that is the seed's; the same for every method.
 */
export function seededExamples({
  split,
  seed,
  ...options
}: EncodingOptions & {
  readonly dataset: string;
  readonly split: 'calibration' | 'training';
  readonly seed: number;
}): ExampleSet {
  const random = createRandom(`${split}/${options.dataset}/${seed}`);
  return split === 'calibration'
    ? drawExamples({ ...options, tokenBudget: PROTOCOL.calibration.tokenBudget, random })
    : encodeExamples({ ...options, rows: random.shuffle(options.rows) });
}

/** One example per row, in the order of the rows. */
export function encodeExamples(options: EncodingOptions & { readonly dataset: string }): ExampleSet {
  const examples = options.rows.map((row) => exampleOf(row, options));
  const tokenCount = examples.reduce((sum, { tokens }) => sum + tokens.length, 0);
  return { dataset: options.dataset, contentHash: hashExamples(examples), examples, tokenCount };
}

/** SHA-256 over length, label and tokens of each example, as little-endian int32. */
function hashExamples(examples: readonly Example[]): string {
  const hash = createHash('sha256');
  for (const { tokens, label } of examples) {
    hash.update(Int32Array.of(tokens.length, label ?? -1));
    hash.update(tokens);
  }
  return hash.digest('hex');
}
