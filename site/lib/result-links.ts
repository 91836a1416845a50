/** Where the page of a result leads. */
import { plainSlug } from '../../contracts/words/plain-slug.ts';
import type { Result } from '../../drizzle/queries.ts';
import { leaderboardOf, paths } from './paths.ts';

/** The board of the result's own model and first task, searched for its variant. */
export function boardOfResult(
  result: Pick<Result, 'model' | 'method' | 'variant'> & {
    readonly evaluations: readonly Pick<Result['evaluations'][number], 'task' | 'effective'>[];
  },
): string {
  const { model, method, variant, evaluations } = result;
  const standing = evaluations.find(({ effective }) => effective) ?? evaluations[0];
  return leaderboardOf({ model, ...(standing ? { task: standing.task } : {}), q: `${method}/${variant}` });
}

/** The run's own page; the list of runs for a name that only a hash makes fit for an address. */
export function runHref(run: string): string {
  const slug = plainSlug(run);
  return slug === null ? paths.runs : paths.run(slug);
}
