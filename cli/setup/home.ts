/** The folder of runs on this machine: `--home`, else SHRINKRANK_HOME, else .shrinkrank in the repository, or where an installed package is called. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Store, openStore } from '../../drizzle/client.ts';
import { InputError } from '../../contracts/errors.ts';
import { WORKING_FOLDER } from './registry.ts';

export const homeOption = {
  type: 'string',
  description: 'Folder of the store and the artifacts (default: $SHRINKRANK_HOME, else .shrinkrank)',
  valueHint: 'folder',
} as const;

export const jsonOption = { type: 'boolean', description: 'Print JSON instead of text', default: false } as const;

export function homeOf(option: string | undefined): string {
  return resolve(option || process.env['SHRINKRANK_HOME'] || join(WORKING_FOLDER, '.shrinkrank'));
}

/** Opens the store of a home. Throws InputError where there is none. */
export function openHomeStore(option: string | undefined): Store {
  const path = join(homeOf(option), 'store.sqlite');
  if (!existsSync(path)) {
    throw new InputError(
      `no results yet in ${path}; run \`npm run bench\`, or \`npm run shrinkrank import\` for the published rows`,
    );
  }
  return openStore(path);
}
