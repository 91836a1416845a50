/** The identity of a dataset: SHA-256 over its decoded rows, independent of the file format. */
import { createHash } from 'node:crypto';
import type { SplitName, Splits } from '../../contracts/dataset.ts';

/** All splits, test data first. */
export const SPLIT_ORDER = ['test', 'validation', 'calibration', 'training'] as const satisfies readonly SplitName[];

/** One JSON line per row: split, id, label or null, text; then choices, pair and slice where present; then a score. */
export function contentHash(splits: Splits): string {
  const hash = createHash('sha256');
  for (const split of SPLIT_ORDER) {
    for (const { id, label, text, choices, pair, slice, score } of splits[split]) {
      const line: unknown[] = [split, id, label ?? null, text];
      if (choices ?? pair ?? slice) line.push(choices ?? null, pair ?? null, slice ?? null);
      if (score !== undefined) line.push(score);
      hash.update(`${JSON.stringify(line)}\n`);
    }
  }
  return hash.digest('hex');
}
