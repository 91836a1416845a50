/** The registered methods, models, datasets and tasks, and how to look one up by the name that a person typed. */
import { join, resolve } from 'node:path';
import { datasets } from '../../datasets/index.ts';
import { methods } from '../../methods/index.ts';
import { models } from '../../models/index.ts';
import type { DatasetDefinition, TaskDefinition } from '../../contracts/dataset.ts';
import { InputError, unknownId } from '../../contracts/errors.ts';
import type { Method } from '../../engine/definitions/method.ts';
import { costClassOf } from '../../contracts/taxonomy.ts';
import type { ModelDefinition } from '../../engine/definitions/model.ts';
import { readLearningRates } from '../../harness/plan/learning-rates.ts';
import type { MethodRegistration } from '../../harness/plan/plan.ts';

export const REPOSITORY_ROOT = resolve(import.meta.dirname, '../..');

/** Where home and results lie unless options say otherwise: the repository, or of an installed package, where it is called. */
export const WORKING_FOLDER = process.env['SHRINKRANK_FOLDER'] ?? REPOSITORY_ROOT;

/** Written by `shrinkrank tune`. */
export const LEARNING_RATES = join(REPOSITORY_ROOT, 'methods/learning-rates.json');
const rates = readLearningRates(LEARNING_RATES);

export const methodRegistrations: readonly MethodRegistration[] = methods.map((method) => ({
  method,
  file: join(REPOSITORY_ROOT, 'methods', method.family, `${method.id}.ts`),
  rates,
}));

export interface TaskRegistration {
  readonly task: TaskDefinition;
  readonly dataset: DatasetDefinition;
}

export const taskRegistrations: readonly TaskRegistration[] = datasets.flatMap((dataset) =>
  dataset.tasks.map((task) => ({ task, dataset })),
);

export interface VariantRegistration {
  readonly registration: MethodRegistration;
  readonly variant: string;
}

/** Each of `gptq` (all its variants), `gptq/w4g32`, a family such as `pruning`, or a cost class such as `low-cost`. */
export function findVariants(names: readonly string[]): VariantRegistration[] {
  return names.flatMap((name) => {
    const [id = '', variant] = name.split('/');
    const registrations = methodRegistrations.filter(({ method }) => groupsOf(method).includes(id));
    if (registrations.length === 0)
      throw unknownId('method', id, new Set(methodRegistrations.flatMap(({ method }) => groupsOf(method))));
    return registrations.flatMap((registration) => {
      const known = Object.keys(registration.method.variants);
      if (variant !== undefined && !known.includes(variant)) throw unknownId(`variant of ${id}`, variant, known);
      return known
        .filter((name) => variant === undefined || name === variant)
        .map((name) => ({ registration, variant: name }));
    });
  });
}

/** The names that choose a method: its id, family and cost class. */
function groupsOf({ id, family, access }: Method): readonly string[] {
  return [id, family, costClassOf(access)];
}

export function findModel(id: string): ModelDefinition {
  return findById('model', models, id);
}

export function findDataset(id: string): DatasetDefinition {
  return findById('dataset', datasets, id);
}

export function findTask(id: string): TaskRegistration {
  const found = taskRegistrations.find(({ task }) => task.id === id);
  if (!found)
    throw unknownId(
      'task',
      id,
      taskRegistrations.map(({ task }) => task.id),
    );
  return found;
}

/** Throws InputError that lists the known ids. */
export function findById<T extends { readonly id: string }>(kind: string, registrations: readonly T[], id: string): T {
  const found = registrations.find((registration) => registration.id === id);
  if (!found)
    throw unknownId(
      kind,
      id,
      registrations.map((registration) => registration.id),
    );
  return found;
}

/** `a,b , c` → ['a', 'b', 'c']; throws InputError for an empty list. */
export function splitList(option: string, text: string): string[] {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts.length === 0) throw new InputError(`--${option}: expected names separated by commas, got "${text}"`);
  return parts;
}
