/** The identity of a dataset: SHA-256 over its decoded rows, whatever file format carried them. */
import { createHash } from 'node:crypto';
import type { SplitName, Splits } from '../../harness/contracts/dataset.ts';

/** All splits, those that must stay unseen first. */
export const SPLIT_ORDER = ['test', 'validation', 'calibration', 'training'] as const satisfies readonly SplitName[];

/** One JSON line per row: split, id, label or null, text. */
export function contentHash(splits: Splits): string {
  const hash = createHash('sha256');
  for (const split of SPLIT_ORDER) {
    for (const { id, label, text } of splits[split])
      hash.update(`${JSON.stringify([split, id, label ?? null, text])}\n`);
  }
  return hash.digest('hex');
}
