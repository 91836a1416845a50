/**
 * Fine-tuned models that were made in a home: `<home>/models/<id>-<recipe>` holds their files and a record of their hashes. A
 * file that is missing or altered is an error, never a reason to make the model again.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { IntegrityError } from '../../contracts/errors.ts';
import type { ModelDefinition } from '../../engine/definitions/model.ts';
import { recipeDigest } from '../../engine/model/load-model.ts';
import { type MadeModel, madeModelSchema } from '../../models/shared/fine-tuned/fine-tuned-definition.ts';

/** Of a made model, in its folder. */
export const RECORD = 'made.json';

/** The definition with the files that lie in the home, where it was made there; else as it is. */
export function withMadeFiles(definition: ModelDefinition, home: string): ModelDefinition {
  const { source } = definition;
  if (source.kind !== 'fine-tuned') return definition;
  const path = madeFolder(definition.id, recipeDigest(source), home);
  const made = readRecord(path);
  if (made === undefined) return definition;
  const missing = made.files.find((file) => !existsSync(join(path, file.path)));
  if (missing === undefined) return { ...definition, source: { ...source, path, files: made.files } };
  throw new IntegrityError(
    `model ${definition.id}: ${join(path, missing.path)} is missing, expected sha256 ${missing.sha256}; restore it, or remove the folder ` +
      `${path} to have the model made again`,
  );
}

/** Where the model of this recipe lies in the home, or would. */
export function madeFolder(id: string, digest: string, home: string): string {
  return join(resolve(home), 'models', `${id}-${digest.slice(0, 16)}`);
}

function readRecord(folder: string): MadeModel | undefined {
  const path = join(folder, RECORD);
  if (!existsSync(path)) return undefined;
  try {
    return v.parse(madeModelSchema, JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new IntegrityError(`${path}: not the record of a made model; restore it, or remove its folder`, {
      cause: error,
    });
  }
}
