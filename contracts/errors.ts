/**
 * The four kinds of error ShrinkRank raises on purpose. A message says who failed, where, what was expected, what was
 * found and what to do. Any other error is a defect of the harness or of a method and shows its stack.
 */
import { nearestName } from './words/nearest-name.ts';

export type ErrorCode = 'input' | 'unsupported' | 'numerical' | 'integrity';

export class BenchError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The caller's input cannot be used: a file, an id, a parameter. Exit code 2, no stack. */
export class InputError extends BenchError {
  constructor(message: string, options?: ErrorOptions) {
    super('input', message, options);
  }
}

/** A valid request that is not supported here: an operator, an architecture, a device. Row status `unsupported`. */
export class UnsupportedError extends BenchError {
  constructor(message: string, options?: ErrorOptions) {
    super('unsupported', message, options);
  }
}

/** A computation gave unusable numbers: not finite, not positive definite. Row status `failed`. */
export class NumericalError extends BenchError {
  constructor(message: string, options?: ErrorOptions) {
    super('numerical', message, options);
  }
}

/** Bytes do not match their declaration: hash or size differs, or data overlap where they must not. */
export class IntegrityError extends BenchError {
  constructor(message: string, options?: ErrorOptions) {
    super('integrity', message, options);
  }
}

/** The InputError for an unregistered id: suggests the nearest known one, if any, and lists all. */
export function unknownId(kind: string, id: string, known: Iterable<string>): InputError {
  const names = [...known].sort();
  const nearest = nearestName(id, names);
  const suggestion = nearest === undefined ? '' : `; did you mean "${nearest}"`;
  return new InputError(`unknown ${kind} "${id}"${suggestion}; known: ${names.join(', ') || '(none)'}`);
}
