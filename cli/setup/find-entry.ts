/** Looks up the entry `method/variant` of a model and task. */
import type { Store } from '../../drizzle/client.ts';
import { type BoardEntry, leaderboard } from '../../board/derive/leaderboard.ts';
import { InputError, unknownId } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { findModel, findTask } from './registry.ts';
import { suites } from './suites.ts';

const entries = suites.flatMap((suite) => suite.entries);

/** The options --model and --task; by default those of the quick suite's first entry. */
export const placeOptions = {
  model: { type: 'string', description: 'Model', default: entries[0]?.model ?? '' },
  task: { type: 'string', description: 'Task (default: the first task that a suite has for the model)' },
} as const;

export interface Place {
  readonly model: string;
  readonly task: string;
}

/** Throws InputError for unknown names, and for a model without a task in any suite if no task is named. */
export function placeOf(args: { readonly model: string; readonly task?: string | undefined }): Place {
  const model = findModel(args.model).id;
  const task = args.task ?? entries.find((entry) => entry.model === model)?.tasks[0];
  if (task === undefined) throw new InputError(`no suite has a task for ${model}; name one with --task`);
  return { model, task: findTask(task).task.id };
}

export function findEntry(store: Store, place: Place, name: string): BoardEntry {
  const { entries } = leaderboard(store, { ...place, protocol: PROTOCOL.version });
  const names = entries.map(({ method, variant }) => `${method}/${variant}`);
  const [method, variant] = name.split('/');
  const ofMethod = entries.filter((entry) => entry.method === method);
  if (ofMethod.length === 0) throw unknownId(`result on ${place.model}`, name, names);
  const wanted =
    variant === undefined && ofMethod.length === 1 ? ofMethod[0] : ofMethod.find((entry) => entry.variant === variant);
  if (!wanted) {
    throw new InputError(
      `${name}: say which variant; the store holds ${ofMethod.map((entry) => `${method}/${entry.variant}`).join(', ')}`,
    );
  }
  return wanted;
}
