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
    'Key and value heads merged into their mean, or replaced by the first or a random one of them, before training and after a hundred and three hundred steps.',
  contests: [GPT],
  relations: [
    better('head-merge/pairs', 'head-merge/pairs-first', 'before training: mean against first'),
    better('gqa-uptrained/pairs-n100', 'head-merge/pairs', 'a hundred steps against none'),
    better('gqa-uptrained/pairs-n300', 'gqa-uptrained/pairs-n100', 'three times the steps'),
    better('gqa-uptrained/pairs-n100', 'gqa-uptrained/pairs-first-n100', 'mean against first (Ainslie et al. 2023)'),
    better('gqa-uptrained/pairs-n100', 'gqa-uptrained/pairs-random-n100', 'mean against random (Ainslie et al. 2023)'),
    better('gqa-uptrained/pairs-n300', 'gqa-uptrained/pairs-first-n300', 'mean against first, three times the steps'),
    better('gqa-uptrained/pairs-n300', 'gqa-uptrained/pairs-random-n300', 'mean against random, three times the steps'),
    better('gqa-uptrained/all-n100', 'gqa-uptrained/all-first-n100', 'one head of all: mean against first'),
    better('gqa-uptrained/all-n100', 'gqa-uptrained/all-random-n100', 'one head of all: mean against random'),
  ],
  notes: [
    {
      date: '2026-12-01',
      runs: RUNS,
      text: 'Grouped queries save memory in the key-value cache, which no measure here counts.',
    },
  ],
};
