/**
 * TinyStories: short stories with the vocabulary of a small child, written by GPT-3.5 and GPT-4.
 * Eldan & Li 2023, https://arxiv.org/abs/2305.07759; the first 2 MiB of the hub's training file.
 */
import type { DatasetDefinition, DatasetRow } from '../contracts/dataset.ts';
import { createRandom } from '../numerics/tensor/random.ts';
import { dropRepeatedRows } from './shared/leak-guard.ts';
import { verifiedSplits } from './shared/verified-splits.ts';

const SLICE_BYTES = 2_097_152;
const SEPARATOR = '<|endoftext|>';

/** Neighbouring stories in the file are similar (the first ones are easier), so all are shuffled before splitting. */
const SHUFFLE_SEED = 'tinystories';
const TEST_STORIES = 60;
const VALIDATION_STORIES = 60;
const CALIBRATION_STORIES = 256;

const definition: DatasetDefinition = {
  id: 'tinystories',
  title: 'TinyStories',
  version: '2',
  licence: 'CDLA-Sharing-1.0',
  citation:
    'Ronen Eldan and Yuanzhi Li: TinyStories: How Small Can Language Models Be and Still Speak Coherent English?, 2023, https://arxiv.org/abs/2305.07759',
  source: { kind: 'hub', repo: 'roneneldan/TinyStories', revision: 'f54c09fd23315a6f9c86f9dc80f725de7d8f9c64' },
  contentHash: 'e3a9c1f4d6e24fbf4c49a03fbc070015a1213eedb47bb646a2ce1eb8d761bbf6',
  tasks: [
    {
      id: 'tinystories-perplexity',
      title: 'TinyStories perplexity',
      dataset: 'tinystories',
      metric: 'perplexity',
      higherIsBetter: false,
      description:
        'Predict each next token of 60 short stories, each by itself from its beginning and cut to the context length. ' +
        'The stories are from the public training file, so a model trained on TinyStories has seen them.',
    },
  ],
  async load(hub) {
    const bytes = await hub.file({
      kind: 'dataset',
      repo: 'roneneldan/TinyStories',
      revision: 'f54c09fd23315a6f9c86f9dc80f725de7d8f9c64',
      path: 'TinyStories-train.txt',
      range: { start: 0, end: SLICE_BYTES },
      sha256: '5352b299dcb1a32898b2d779b145b5a05f3e1265953fd21c264c9f9f9c9ae33d',
    });
    const stories = createRandom(SHUFFLE_SEED).shuffle(splitStories(new TextDecoder().decode(bytes)));
    const validationStart = TEST_STORIES;
    const calibrationStart = validationStart + VALIDATION_STORIES;
    const trainingStart = calibrationStart + CALIBRATION_STORIES;
    const splits = dropRepeatedRows({
      test: stories.slice(0, validationStart),
      validation: stories.slice(validationStart, calibrationStart),
      calibration: stories.slice(calibrationStart, trainingStart),
      training: stories.slice(trainingStart),
    });
    return verifiedSplits(definition, splits);
  },
};

export default definition;

/** The complete stories in a slice of the file; the text after the last separator is incomplete and dropped. */
export function splitStories(text: string): readonly DatasetRow[] {
  return text
    .split(SEPARATOR)
    .slice(0, -1)
    .map((story) => story.trim())
    .filter((story) => story !== '')
    .map((story, index) => ({ id: `story-${String(index).padStart(5, '0')}`, text: story }));
}
