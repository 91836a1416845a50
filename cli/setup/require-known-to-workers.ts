/** A fleet's workers look models up by their id, so they do not know a model that was named by its folder or its repository. */
import { InputError } from '../../contracts/errors.ts';
import { models } from '../../models/index.ts';
import type { SuiteEntry } from '../../harness/plan/plan.ts';

/** Throws InputError that names the first such model. */
export function requireKnownToWorkers(entries: readonly Pick<SuiteEntry, 'model'>[]): void {
  const unknown = entries.find(({ model }) => !models.some(({ id }) => id === model.id));
  if (!unknown) return;
  throw new InputError(
    `${unknown.model.id}: workers of a fleet know registered models only (${models.map(({ id }) => id).join(', ')}); run it without --fleet`,
  );
}
