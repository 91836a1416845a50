/** The last step of loading a dataset: checks that the rows are the pinned ones and that no split repeats another's. */
import type { DatasetDefinition, Splits } from '../../contracts/dataset.ts';
import { IntegrityError } from '../../contracts/errors.ts';
import { contentHash } from './content-hash.ts';
import { findExactLeaks } from './leak-guard.ts';

/**
 * Throws IntegrityError when a row occurs in two splits, or when the content hash differs and the files are not known
 * to be the hub's unmodified files.
 */
export function verifiedSplits(
  dataset: Pick<DatasetDefinition, 'id' | 'contentHash'>,
  splits: Splits,
  { areHubFiles = false }: { readonly areHubFiles?: boolean } = {},
): Splits {
  const [leak, ...others] = findExactLeaks(splits);
  if (leak) {
    throw new IntegrityError(
      `dataset ${dataset.id}: ${leak.seen.split} row ${leak.seen.id} repeats ${leak.heldOut.split} row ${leak.heldOut.id} ` +
        `(and ${others.length} more); drop repeated rows in datasets/${dataset.id}.ts`,
    );
  }
  if (areHubFiles) return splits;
  const actual = contentHash(splits);
  if (actual !== dataset.contentHash) {
    throw new IntegrityError(
      `dataset ${dataset.id}: expected content hash ${dataset.contentHash}, got ${actual}; ` +
        'fetch the pinned revision again, or raise version and hash together when the rows are meant to change',
    );
  }
  return splits;
}
