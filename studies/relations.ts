/** Ways to write a relation between two entries, `method/variant` each. */
import type { Relation } from './study.ts';

export const better = (first: string, second: string, reason: string): Relation => ({
  first,
  second,
  expected: 'better',
  reason,
});

export const notWorse = (first: string, second: string, reason: string): Relation => ({
  ...better(first, second, reason),
  expected: 'not worse',
});

export const faster = (first: string, second: string, reason: string): Relation => ({
  ...better(first, second, reason),
  metric: 'latency',
});

export const notFaster = (first: string, second: string, reason: string): Relation => ({
  ...faster(first, second, reason),
  expected: 'not better',
});

export const smaller = (first: string, second: string, reason: string): Relation => ({
  ...better(first, second, reason),
  metric: 'size',
});

export const notSmaller = (first: string, second: string, reason: string): Relation => ({
  ...smaller(first, second, reason),
  expected: 'not better',
});

/** Calls of the entry are expected to be faster than dense, and its file smaller. */
export const fasterAndSmaller = (entry: string, reason: string): readonly Relation[] => [
  faster(entry, 'dense/fp32', reason),
  smaller(entry, 'dense/fp32', reason),
];

/** The entry's file is expected to be smaller than dense; its calls are expected to take as long. */
export const onlySmaller = (entry: string, reason: string): readonly Relation[] => [
  notFaster(entry, 'dense/fp32', reason),
  smaller(entry, 'dense/fp32', reason),
];

/** Neither a smaller file than dense nor faster calls are expected. */
export const neither = (entry: string, reason: string): readonly Relation[] => [
  notFaster(entry, 'dense/fp32', reason),
  notSmaller(entry, 'dense/fp32', reason),
];
