/** What is asked of a model that no suite has: by its kind. */
import { InputError } from '../../contracts/errors.ts';
import type { ModelDefinition } from '../../engine/definitions/model.ts';
import { kindFor } from '../../engine/model/encode-row.ts';
import { findTask, taskRegistrations } from './registry.ts';

/** Text that models people ship were not trained on sentence by sentence, with splits for calibration and test. */
const TEXT = 'wikitext-2';

/** Pairs of sentences, with splits for calibration and training. */
const PAIRS = 'stsb';

/**
 * `named`: tasks that the person named in place of these; examples are drawn from the first one's dataset that has any. Throws
 * InputError for an encoder without named tasks.
 */
export function defaultPlace(
  { id, kind }: Pick<ModelDefinition, 'id' | 'kind'>,
  named: readonly string[] | undefined,
): { readonly calibration: string; readonly tasks: readonly string[] } {
  const source = named
    ?.map(findTask)
    .find(({ task, dataset }) => kindFor(task.metric) === kind && dataset.evaluationOnly !== true);
  const calibration = source?.dataset.id ?? (kind === 'embedder' ? PAIRS : TEXT);
  switch (kind) {
    case 'decoder':
      return { calibration, tasks: [`${TEXT}-raw-sample-perplexity`] };
    case 'embedder':
      return { calibration, tasks: named ? [] : [`${PAIRS}-cosine-spearman`] };
    case 'encoder': {
      if (named) return { calibration, tasks: [] };
      const known = taskRegistrations
        .filter(({ task }) => kindFor(task.metric) === 'encoder')
        .map(({ task }) => task.id);
      throw new InputError(
        `${id}: the classes of this classifier are unknown; name tasks with the same classes with --tasks: ${known.join(', ')}`,
      );
    }
  }
}
