/** Adds a line to a ledger that people also edit by hand: its last line may lack its end. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes the file and its folder where they are not there. */
export function appendLine(path: string, line: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const torn = text !== '' && !text.endsWith('\n');
  appendFileSync(path, `${torn ? '\n' : ''}${line}\n`);
}
