import { GPT } from './contests.ts';
import { better } from './relations.ts';
import type { Study } from './study.ts';

const RUNS = [
  '20261125T231435-orderings-mln',
  '20261125T232652-orderings-40n',
  '20261125T235433-uptraining-head-merge-jon',
];

export const uptrainingHeadMerge: Study = {
  id: 'uptraining-head-merge',
  title: 'Does the mean of heads win after uptraining?',
  question:
    'Key and value heads merged into their mean, or replaced by the first or a random one of them, before training and after a hundred thousand and a million tokens.',
  contests: [GPT],
  relations: [
    better('head-merge/pairs', 'head-merge/pairs-first', 'before training: mean against first'),
    better('gqa-uptrained/pairs-t100k', 'head-merge/pairs', 'a hundred thousand tokens against none'),
    better('gqa-uptrained/pairs-t1m', 'gqa-uptrained/pairs-t100k', 'ten times the tokens'),
    better('gqa-uptrained/pairs-t100k', 'gqa-uptrained/pairs-first-t100k', 'mean against first (Ainslie et al. 2023)'),
    better(
      'gqa-uptrained/pairs-t100k',
      'gqa-uptrained/pairs-random-t100k',
      'mean against random (Ainslie et al. 2023)',
    ),
    better('gqa-uptrained/pairs-t1m', 'gqa-uptrained/pairs-first-t1m', 'mean against first, ten times the tokens'),
    better('gqa-uptrained/pairs-t1m', 'gqa-uptrained/pairs-random-t1m', 'mean against random, ten times the tokens'),
    better('gqa-uptrained/all-t100k', 'gqa-uptrained/all-first-t100k', 'one head of all: mean against first'),
    better('gqa-uptrained/all-t100k', 'gqa-uptrained/all-random-t100k', 'one head of all: mean against random'),
  ],
  notes: [
    {
      date: '2026-12-01',
      runs: RUNS,
      text: 'Grouped queries save memory in the key-value cache, which no measure here counts.',
    },
  ],
};
