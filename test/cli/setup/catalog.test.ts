import { expect, it } from 'vitest';
import { catalog } from '../../../cli/setup/run-suite.ts';
import { readCatalog, recordCatalog } from '../../../drizzle/catalog.ts';
import { temporaryStore } from '../../support/store.ts';

it('the registered methods, models, datasets and tasks fit the store', () => {
  const store = temporaryStore();
  const registered = catalog();
  recordCatalog(store, registered);
  const { tasks, methods } = readCatalog(store);
  expect(tasks.map(({ id }) => id)).toEqual(registered.tasks.map(({ id }) => id).toSorted());
  expect(methods).toHaveLength(registered.methods.length);
});
