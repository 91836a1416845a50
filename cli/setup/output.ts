/** What commands print to, and their exit codes. */
import { BenchError } from '../../contracts/errors.ts';

/** Documented in docs/command-line.md. */
export const EXIT_CODES = {
  done: 0,
  /** A defect of ShrinkRank itself; the stack is printed. */
  defect: 1,
  /** An option, an id or a file cannot be used; one line says what to do. */
  input: 2,
  /** The run ended, but some steps were not done, with the reason: their processes were killed, or an artifact was lost. */
  incomplete: 3,
  /** A nightly run was rejected because the dense model’s results have changed; its rows are withdrawn. */
  rejected: 4,
  /** An artifact that was made again differs from the published one. */
  different: 5,
  /** Stopped by Ctrl-C or a termination signal; the same command goes on from there. */
  interrupted: 130,
} as const;

/** A reader that closes the pipe, as in `shrinkrank list | head`, is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT_CODES.done);
});

/** Results go to standard output; progress and remarks to standard error, so that a pipe gets results only. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

export function remark(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Prints the message of a BenchError, or the stack of any other error; gives the exit code. */
export function reportError(error: unknown): number {
  if (error instanceof Error && error.name === 'AbortError') {
    remark('stopped; run the same command again to go on');
    return EXIT_CODES.interrupted;
  }
  if (error instanceof BenchError) {
    remark(`error: ${error.message}`);
    return EXIT_CODES.input;
  }
  remark(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return EXIT_CODES.defect;
}
