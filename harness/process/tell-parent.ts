/** Messages of a confined child: a line of JSON each, on the pipe that child-process.ts reads. */
import { writeSync } from 'node:fs';

/** Environment variable with the descriptor of that pipe. */
export const MESSAGE_VARIABLE = 'SHRINKRANK_MESSAGES';

const descriptor = process.env[MESSAGE_VARIABLE];

/** Does nothing where nobody listens, or while the pipe is full: progress that nobody has read yet is old. */
export function tellParent(message: object): void {
  if (descriptor === undefined) return;
  try {
    writeSync(Number(descriptor), `${JSON.stringify(message)}\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  }
}
