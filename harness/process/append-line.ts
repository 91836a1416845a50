/** Appends a line to a file that people also edit by hand, so its last line may lack a newline. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Creates the file and its folder if they are missing. */
export function appendLine(path: string, line: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const torn = text !== '' && !text.endsWith('\n');
  appendFileSync(path, `${torn ? '\n' : ''}${line}\n`);
}
