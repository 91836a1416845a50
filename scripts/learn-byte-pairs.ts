/**
 * Learns the vocabulary of the embedded models from TinyWorld's training text and writes models/tinyworld/merges.json,
 * the same bytes every time.
 *
 *   node scripts/learn-byte-pairs.ts
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import tinyworld from '../datasets/tinyworld.ts';
import type { DatasetDefinition } from '../contracts/dataset.ts';
import { learnBytePairs } from '../models/shared/byte-pair-learner.ts';
import { writeBytePairs } from '../models/shared/byte-pair-tokenizer.ts';

/** At width 128 the table of tokens is 131 thousand of a million weights: blocks dominate. */
const VOCABULARY_SIZE = 1024;

const FILE = fileURLToPath(new URL('../models/tinyworld/merges.json', import.meta.url));

/** The content of models/tinyworld/merges.json. */
export async function learnVocabulary(dataset: DatasetDefinition): Promise<string> {
  const { training } = await dataset.load({ file: ({ path }) => Promise.reject(new Error(`${path}: no hub here`)) });
  const merges = learnBytePairs(
    training.map(({ text }) => text),
    VOCABULARY_SIZE,
  );
  return writeBytePairs(merges, `${dataset.id} training split, content hash ${dataset.contentHash}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(FILE, await learnVocabulary(tinyworld));
  console.log(`wrote ${FILE}`);
}
