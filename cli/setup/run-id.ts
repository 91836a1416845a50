/** Identifies a run in its rows: start time in UTC to the second, suite, and 32 random bits. */
import { randomBytes } from 'node:crypto';

/**
 * `20261201T024640-quick-9f86d081`. Runs that start in the same second, on several machines or in containers that give
 * their processes equal ids, still differ.
 *
 * @param startedAt ISO 8601, UTC.
 */
export function newRunId(startedAt: string, suite: string): string {
  const second = startedAt.slice(0, 19).replaceAll(/[:-]/g, '');
  return `${second}-${suite}-${randomBytes(4).toString('hex')}`;
}
