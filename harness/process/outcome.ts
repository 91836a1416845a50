/** How a piece of work ended: with a value, or with a status and a readable reason. */
import { BenchError } from '../../contracts/errors.ts';
import type { Status } from '../../contracts/result.ts';

export interface Failure {
  readonly status: Exclude<Status, 'completed'>;
  readonly reason: string;
}

export type Outcome<T> = { readonly status: 'completed'; readonly value: T } | Failure;

/** The failure a thrown error stands for: the message of an intended error, of any other the stack as well. */
export function failureOf(error: unknown): Failure {
  const status = error instanceof BenchError && error.code === 'unsupported' ? 'unsupported' : 'failed';
  return { status, reason: explain(error) };
}

export function explain(error: unknown): string {
  if (error instanceof BenchError) return error.message;
  if (error instanceof Error) return (error.stack ?? error.message).replaceAll(process.cwd(), '.');
  return `threw ${describe(error)}`;
}

/** A value in a word or two, for messages. */
export function describe(value: unknown): string {
  if (value === null || typeof value !== 'object') return `${typeof value} ${String(value)}`;
  return Object.prototype.toString.call(value);
}
