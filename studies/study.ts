/** What a study is: a question, relations between entries that are expected to hold, and dated notes on the answer. */
import type { Expectation } from '../numerics/statistics/relation-claim.ts';

export interface Study {
  /** Also the id of the suite that measures it. */
  readonly id: string;
  readonly title: string;
  readonly question: string;
  /** Every relation is judged in each of them. */
  readonly contests: readonly StudyContest[];
  readonly relations: readonly Relation[];
  /** What the verdicts do not say by themselves, such as why a relation fails. Figures belong in the tables, which are computed. */
  readonly notes: readonly StudyNote[];
}

/** A contest, and the dataset that its variants calibrate or train on. */
export interface StudyContest {
  readonly model: string;
  readonly calibration: string;
  readonly task: string;
}

/** What is compared: the task's own quality, the time of a call at every shape, or the bytes of the ONNX file. */
export type RelationMetric = 'quality' | 'latency' | 'size';

export interface Relation {
  /** `method/variant`. */
  readonly first: string;
  readonly second: string;
  /** Of the first, against the second. */
  readonly expected: Expectation;
  /** Default: quality. */
  readonly metric?: RelationMetric;
  /** Who reports it, or what is asked. */
  readonly reason: string;
}

/** A page shows it as out of date where its tables hold a trial of any other run. */
export interface StudyNote {
  /** Day it was written, `YYYY-MM-DD`. */
  readonly date: string;
  /** Ids of the runs whose rows it was written from. */
  readonly runs: readonly string[];
  readonly text: string;
}
