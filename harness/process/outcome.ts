/** How a step ended: with a value, or with a status and a reason in words. */
import { BenchError } from '../../contracts/errors.ts';
import type { Status } from '../../contracts/result.ts';

export interface Failure {
  readonly status: Exclude<Status, 'completed'>;
  readonly reason: string;
}

export type Outcome<T> = { readonly status: 'completed'; readonly value: T } | Failure;

/** The failure to record for a thrown error. The reason of a BenchError is its message; of any other error, its stack. */
export function failureOf(error: unknown): Failure {
  const status = error instanceof BenchError && error.code === 'unsupported' ? 'unsupported' : 'failed';
  return { status, reason: explain(error) };
}

export function explain(error: unknown): string {
  if (error instanceof BenchError) return error.message;
  if (error instanceof Error) return (error.stack ?? error.message).replaceAll(process.cwd(), '.');
  return `threw ${describe(error)}`;
}

/** A short description of a value, for messages. */
export function describe(value: unknown): string {
  if (value === null || typeof value !== 'object') return `${typeof value} ${String(value)}`;
  return Object.prototype.toString.call(value);
}
