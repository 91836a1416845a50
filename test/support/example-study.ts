/** A study of the entries that `fillBoard` records. */
import type { Study } from '../../studies/study.ts';

export const EXAMPLE_CONTEST = { model: 'tiny', calibration: 'stories', task: 'stories-perplexity' };

export const EXAMPLE_STUDY: Study = {
  id: 'example',
  title: 'Does it pay?',
  question: 'One against the other.',
  contests: [EXAMPLE_CONTEST],
  relations: [
    { first: 'training/w4', second: 'rounding/w4', expected: 'better', reason: 'R0' },
    { first: 'rounding/w4', second: 'rounding/w8', expected: 'better', reason: 'the wrong way round' },
    { first: 'rounding/w8', second: 'cutting/s90', expected: 'better', reason: 'one that failed' },
    { first: 'rounding/w8', second: 'nobody/x', expected: 'not worse', reason: 'one that is not there' },
  ],
  notes: [{ date: '2026-01-02', runs: ['run-1'], text: 'It pays where it hurts.' }],
};
