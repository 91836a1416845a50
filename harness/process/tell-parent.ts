/** Sends messages of a confined child: one line of JSON each, on the pipe that child-process.ts reads. */
import { writeSync } from 'node:fs';

/** Environment variable that holds the file descriptor of that pipe. */
export const MESSAGE_VARIABLE = 'SHRINKRANK_MESSAGES';

const descriptor = process.env[MESSAGE_VARIABLE];

/** Does nothing without a parent that listens, or while the pipe is full: unread progress is out of date anyway. */
export function tellParent(message: object): void {
  if (descriptor === undefined) return;
  try {
    writeSync(Number(descriptor), `${JSON.stringify(message)}\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  }
}
