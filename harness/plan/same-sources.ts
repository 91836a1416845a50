/**
 * Which code gives the artifacts of which older code. A method's rows stand under the hash of its source; a refactoring, or
 * a feature the method does not use, changes the hash and no artifact. `shrinkrank reproduce` makes published artifacts again,
 * and where all are the same to the byte a line of methods/same-sources.jsonl lets the present code go on under the older hash.
 */
import { existsSync, readFileSync } from 'node:fs';
import * as v from 'valibot';
import { canonicalJson } from '../../contracts/canonical-json.ts';
import { InputError } from '../../contracts/errors.ts';
import { sha256 } from '../../contracts/result.ts';
import { appendLine } from '../process/append-line.ts';

const sameSourceSchema = v.strictObject({
  method: v.string(),
  /** Hash of the newer code. */
  source: sha256,
  /** Hash under which the rows stand. */
  sameAs: sha256,
  /** Keys of the trials that were made again, with the same artifact. */
  trials: v.pipe(v.array(sha256), v.minLength(1)),
  date: v.pipe(v.string(), v.isoDate()),
});
export type SameSource = v.InferOutput<typeof sameSourceSchema>;

/** Throws InputError naming the line that is not one of the ledger. A ledger that is not there has no lines. */
export function readSameSources(path: string): readonly SameSource[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line, index) => {
      if (line.trim() === '') return [];
      const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), sameSourceSchema), line);
      if (parsed.success) return [parsed.output];
      throw new InputError(
        `${path}:${index + 1}: ${parsed.issues[0].message}; lines are written by shrinkrank reproduce --record`,
      );
    });
}

/** The hash that rows of this code stand under: its own, or that of the code it was shown to equal. */
export function standingSource(
  ledger: readonly SameSource[],
  { method, source }: { readonly method: string; readonly source: string },
): string {
  return ledger.find((entry) => entry.method === method && entry.source === source)?.sameAs ?? source;
}

/** Throws InputError for code that another line says equals something else. */
export function recordSameSource(path: string, entry: SameSource): void {
  const ledger = readSameSources(path);
  const { method, source, sameAs } = entry;
  const known = standingSource(ledger, entry);
  if (known === sameAs) return;
  if (known !== source) {
    throw new InputError(
      `${path}: ${method} at ${source.slice(0, 12)} is said to equal ${known.slice(0, 12)}, not ${sameAs.slice(0, 12)}; take the wrong line out`,
    );
  }
  appendLine(path, canonicalJson(v.parse(sameSourceSchema, entry)));
}
