/**
 * methods/artifact-digests.json: the SHA-256 of every artifact that the contract suite makes, under the revision of the
 * method. It shows whether a change of code alters artifacts, which is what `revision` stands for in a trial's key.
 *
 * Kernels of onnxruntime differ between processors. A method that runs any (its module imports engine/runtime: all that
 * calibrate or train, and those that factorize large matrices) records in `madeOn` the instruction sets its artifacts were
 * made on, and is held against them on such machines only. The others make the same bytes everywhere.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import * as v from 'valibot';
import { InputError } from '../../contracts/errors.ts';
import { sha256 } from '../../contracts/result.ts';
import type { Machine } from '../../contracts/runner.ts';
import type { Method } from '../../engine/definitions/method.ts';
import { importClosure } from '../../harness/plan/import-closure.ts';

/** In the place of a digest: the method refuses the model. */
export const REFUSED = 'refused';

const methodDigestsSchema = v.strictObject({
  revision: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** Architecture and instruction sets; absent where no kernel of onnxruntime takes part. */
  madeOn: v.optional(v.string()),
  /** SHA-256 over the models, examples and seed that the artifacts were made from. */
  inputs: sha256,
  /** By `<variant> on <model>`. */
  artifacts: v.record(v.string(), v.union([sha256, v.literal(REFUSED)])),
});
export type MethodDigests = v.InferOutput<typeof methodDigestsSchema>;
export type DigestTable = Readonly<Record<string, MethodDigests>>;

/** Throws InputError naming what is not of the table. A file that does not exist holds no digests. */
export function readDigests(path: string): DigestTable {
  if (!existsSync(path)) return {};
  const schema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), methodDigestsSchema));
  const parsed = v.safeParse(schema, readFileSync(path, 'utf8'));
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new InputError(
    `${path}: ${v.getDotPath(issue) ?? 'the file'}: ${issue.message}; npm run update-digests writes this file`,
  );
}

/** One line per artifact, methods and artifacts sorted. */
export function writeDigests(path: string, table: DigestTable): void {
  const methods = Object.entries(table)
    .sort(byName)
    .map(([id, { revision, madeOn, inputs, artifacts }]) => [
      id,
      {
        revision,
        ...(madeOn !== undefined && { madeOn }),
        inputs,
        artifacts: Object.fromEntries(Object.entries(artifacts).sort(byName)),
      },
    ]);
  writeFileSync(path, `${JSON.stringify(Object.fromEntries(methods), null, 2)}\n`);
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether kernels of onnxruntime take part in the artifacts of the method in this module. */
export function runsKernels(file: string, root: string): boolean {
  return importClosure(file, root).some((path) => relative(root, path).startsWith('engine/runtime/'));
}

export function madeOnOf({ architecture, instructionSets }: Machine): string {
  return [architecture, ...instructionSets].join(' ');
}

type Declared = Pick<Method, 'id' | 'family' | 'revision'>;

/** What one artifact shows against the table; undefined where nothing has to be done. */
export function artifactFinding(
  { id, family, revision }: Declared,
  recorded: MethodDigests,
  found: Omit<MethodDigests, 'artifacts' | 'revision'> & { readonly name: string; readonly digest: string },
): string | undefined {
  const update = `run: npm run update-digests -- ${id}`;
  if (revision < recorded.revision) {
    return `${id} declares revision ${revision}, below the recorded ${recorded.revision}; a revision only rises`;
  }
  if (revision > recorded.revision) {
    return `${id} declares revision ${revision}, and methods/artifact-digests.json holds revision ${recorded.revision}; ${update}`;
  }
  if (found.inputs !== recorded.inputs) return `the models or examples of the contract suite have changed; ${update}`;
  const before = recorded.artifacts[found.name];
  if (before === undefined) return `${id}: ${found.name} has no recorded digest; ${update}`;
  const refuses = (digest: string) => digest === REFUSED;
  const isComparable = found.madeOn === recorded.madeOn || refuses(before) !== refuses(found.digest);
  if (before === found.digest || !isComparable) return undefined;
  const short = (digest: string) => (refuses(digest) ? REFUSED : digest.slice(0, 12));
  return (
    `${id} makes another artifact of ${found.name} under the same revision ${revision} (recorded ${short(before)}, ` +
    `made ${short(found.digest)}). If this was not meant, correct the change. If it was, raise revision to ` +
    `${revision + 1} in methods/${family}/${id}.ts and ${update}`
  );
}

/**
 * The table with what a method makes now. Throws InputError where another digest needs a higher revision: then nothing may
 * be recorded.
 */
export function withRecorded(table: DigestTable, method: Declared, found: MethodDigests): DigestTable {
  const recorded = table[method.id];
  if (recorded && method.revision <= recorded.revision && found.inputs === recorded.inputs) {
    const { artifacts, ...parts } = found;
    for (const [name, digest] of Object.entries(artifacts)) {
      if (recorded.artifacts[name] === undefined) continue;
      const finding = artifactFinding(method, recorded, { ...parts, name, digest });
      if (finding !== undefined)
        throw new InputError(
          `nothing recorded: ${finding}. While a method is still unpublished, delete its entry instead and record it anew`,
        );
    }
  }
  return { ...table, [method.id]: found };
}
