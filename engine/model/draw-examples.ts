/** Converts rows to token sequences for calibration and training: drawn at random, or all in order. */
import { createHash } from 'node:crypto';
import type { DatasetRow } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';
import type { Example, ExampleSet } from '../definitions/method.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { createRandom, type Random } from '../../numerics/tensor/random.ts';
import { type Encoding, encodeRow } from './encode-row.ts';

/** A sequence of one token has no next token to predict. */
const SHORTEST_EXAMPLE = 2;

interface EncodingOptions extends Encoding {
  readonly rows: readonly DatasetRow[];
}

/** One example; a pair for an embedder gives two, each text with the other as its partner. */
function examplesOf(row: DatasetRow, encoding: Encoding): Example[] {
  const { pair, label, score, ...rest } = row;
  if (encoding.kind !== 'embedder' || pair === undefined) {
    return [{ ...encodeRow(row, encoding), ...(label !== undefined && { label }) }];
  }
  const [first, second] = [row.text, pair].map((text) => encodeRow({ ...rest, text }, encoding).tokens);
  const graded = score === undefined ? {} : { score };
  return first && second
    ? [
        { tokens: first, partner: second, ...graded },
        { tokens: second, partner: first, ...graded },
      ]
    : [];
}

/**
 * Rows in random order until `tokenBudget` tokens are reached, the last one truncated: all methods see the same number
 * (or one less, since one token is too short for an example). Throws InputError when the rows together hold fewer.
 */
export function drawExamples(
  options: EncodingOptions & { readonly dataset: string; readonly tokenBudget: number; readonly random: Random },
): ExampleSet {
  const { rows, tokenBudget, random } = options;
  const examples: Example[] = [];
  let tokenCount = 0;
  for (const row of random.shuffle(rows)) {
    if (tokenBudget - tokenCount < SHORTEST_EXAMPLE) break;
    for (const example of examplesOf(row, options)) {
      const tokens = example.tokens.subarray(0, tokenBudget - tokenCount);
      if (tokens.length < SHORTEST_EXAMPLE) continue;
      examples.push({ ...example, tokens });
      tokenCount += tokens.length;
    }
  }
  if (tokenBudget - tokenCount >= SHORTEST_EXAMPLE) {
    throw new InputError(
      `${options.dataset}: ${rows.length} rows hold ${tokenCount} tokens, expected at least ${tokenBudget}; lower the token budget`,
    );
  }
  return { dataset: options.dataset, contentHash: hashExamples(examples), examples, tokenCount };
}

/**
 * The examples that a run passes to methods: calibration examples within the protocol's budget, or all training
 * examples, both in an order that depends on the seed only; the same for every method.
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

/** The examples of all rows, in their order. */
export function encodeExamples(options: EncodingOptions & { readonly dataset: string }): ExampleSet {
  const examples = options.rows.flatMap((row) => examplesOf(row, options));
  const tokenCount = examples.reduce((sum, { tokens }) => sum + tokens.length, 0);
  return { dataset: options.dataset, contentHash: hashExamples(examples), examples, tokenCount };
}

/** SHA-256 over length, label and tokens of each example, as little-endian int32; then the score where it has one, as float64. */
function hashExamples(examples: readonly Example[]): string {
  const hash = createHash('sha256');
  for (const { tokens, label, score } of examples) {
    hash.update(Int32Array.of(tokens.length, label ?? -1));
    hash.update(tokens);
    if (score !== undefined) hash.update(Float64Array.of(score));
  }
  return hash.digest('hex');
}
