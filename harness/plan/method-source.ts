/** The hash that the rows of a registered method stand under. */
import { join, resolve } from 'node:path';
import type { Method } from '../../engine/definitions/method.ts';
import { readSameSources, type SameSource, standingSource } from './same-sources.ts';
import { sourceHash } from './source-hash.ts';

export const SAME_SOURCES = join(resolve(import.meta.dirname, '../..'), 'methods/same-sources.jsonl');

let ledger: readonly SameSource[] | undefined;

/** That of its source, or of the older source it was shown to give the artifacts of. */
export function methodSource({ method, file }: { readonly method: Method; readonly file: string }): string {
  ledger ??= readSameSources(SAME_SOURCES);
  return standingSource(ledger, { method: method.id, source: sourceHash(file) });
}
