/** The contests that studies are judged in. */
import type { StudyContest } from './study.ts';

export const GPT: StudyContest = {
  model: 'tinyworld-gpt',
  calibration: 'tinyworld',
  task: 'tinyworld-perplexity',
};

export const BERT: StudyContest = {
  model: 'tinyworld-bert',
  calibration: 'tinyworld-entailment',
  task: 'tinyworld-entailment-classification-accuracy',
};

export const LLAMA: StudyContest = {
  model: 'stories260k',
  calibration: 'tinystories',
  task: 'tinystories-perplexity',
};
