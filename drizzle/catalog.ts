/**
 * The catalog: descriptions and facts of the registered methods, models, datasets and tasks, copied into the store so
 * that the board can read them without importing their code. It mirrors the registries; it is not a result and may
 * change.
 */
import * as v from 'valibot';
import { ACCESS_CLASSES, FAMILIES, SPDX_IDENTIFIER } from '../contracts/taxonomy.ts';
import { sha256 } from '../contracts/result.ts';
import { canonicalJson } from '../contracts/canonical-json.ts';
import type { Store } from './client.ts';
import { catalogDatasets, catalogMethods, catalogModels, catalogTasks } from './schema.ts';
import { validate } from './validate.ts';

export const catalogVariantSchema = v.strictObject({
  id: v.string(),
  params: v.record(v.string(), v.unknown()),
  /** Whether the artifact depends on the seed; unknown for older catalogs. */
  random: v.optional(v.boolean()),
});

const methodEntrySchema = v.strictObject({
  id: v.string(),
  family: v.picklist(FAMILIES),
  access: v.picklist(ACCESS_CLASSES),
  /** The method's present revision: rows of another are stale. */
  revision: v.pipe(v.number(), v.integer(), v.minValue(1)),
  description: v.string(),
  paper: v.strictObject({ title: v.string(), authors: v.string(), year: v.number(), url: v.string() }),
  licence: v.pipe(v.string(), v.regex(SPDX_IDENTIFIER)),
  control: v.boolean(),
  /** In the order given by the method. */
  variants: v.array(catalogVariantSchema),
  /** Path within the repository. */
  sourceFile: v.string(),
});

const modelEntrySchema = v.strictObject({
  id: v.string(),
  title: v.string(),
  architecture: v.string(),
  licence: v.string(),
  citation: v.string(),
  trainedOn: v.array(v.string()),
  /** The `modelRevision` that a trial of the present code would have. */
  revision: sha256,
});

const datasetEntrySchema = v.strictObject({
  id: v.string(),
  title: v.string(),
  version: v.string(),
  licence: v.string(),
  citation: v.string(),
  contentHash: sha256,
});

const taskEntrySchema = v.strictObject({
  id: v.string(),
  title: v.string(),
  dataset: v.string(),
  metric: v.string(),
  higherIsBetter: v.boolean(),
  chance: v.optional(v.number()),
  slices: v.optional(v.array(v.string())),
  classes: v.optional(v.array(v.string())),
  description: v.string(),
});

export const catalogSchema = v.strictObject({
  methods: v.array(methodEntrySchema),
  models: v.array(modelEntrySchema),
  datasets: v.array(datasetEntrySchema),
  tasks: v.array(taskEntrySchema),
});
export type Catalog = v.InferOutput<typeof catalogSchema>;

/** `registered` is false for entries that the registries no longer contain. */
export type Registered<T> = T & { readonly registered: boolean };
export type StoredCatalog = {
  readonly [K in keyof Catalog]: readonly Registered<Catalog[K][number]>[];
};

/**
 * Replaces the entries of the registries; entries no longer in them are kept for old rows, marked as not registered.
 */
export function recordCatalog(store: Store, catalog: Catalog): void {
  const valid = validate(catalogSchema, catalog, 'catalog');
  store.database.transaction(
    (transaction) => {
      for (const table of [catalogMethods, catalogModels, catalogDatasets, catalogTasks]) {
        transaction.update(table).set({ registered: false }).run();
      }
      for (const { paper, variants, ...entry } of valid.methods) {
        const columns = { ...entry, registered: true, paper: canonicalJson(paper), variants: canonicalJson(variants) };
        const target = catalogMethods.id;
        transaction.insert(catalogMethods).values(columns).onConflictDoUpdate({ target, set: columns }).run();
      }
      for (const { trainedOn, ...entry } of valid.models) {
        const columns = { ...entry, registered: true, trainedOn: canonicalJson(trainedOn) };
        const target = catalogModels.id;
        transaction.insert(catalogModels).values(columns).onConflictDoUpdate({ target, set: columns }).run();
      }
      for (const entry of valid.datasets) {
        const columns = { ...entry, registered: true };
        const target = catalogDatasets.id;
        transaction.insert(catalogDatasets).values(columns).onConflictDoUpdate({ target, set: columns }).run();
      }
      for (const { chance, slices, classes, ...entry } of valid.tasks) {
        const columns = {
          ...entry,
          registered: true,
          chance: chance ?? null,
          slices: slices ? canonicalJson(slices) : null,
          classes: classes ? canonicalJson(classes) : null,
        };
        const target = catalogTasks.id;
        transaction.insert(catalogTasks).values(columns).onConflictDoUpdate({ target, set: columns }).run();
      }
    },
    { behavior: 'immediate' },
  );
}

/** Everything the catalog holds, by id. */
export function readCatalog({ database }: Store): StoredCatalog {
  const methods = database.select().from(catalogMethods).orderBy(catalogMethods.id).all();
  const models = database.select().from(catalogModels).orderBy(catalogModels.id).all();
  const tasks = database.select().from(catalogTasks).orderBy(catalogTasks.id).all();
  return {
    methods: methods.map(({ paper, variants, ...entry }) => ({
      ...entry,
      paper: JSON.parse(paper) as Catalog['methods'][number]['paper'],
      variants: JSON.parse(variants) as Catalog['methods'][number]['variants'],
    })),
    models: models.map(({ trainedOn, ...entry }) => ({ ...entry, trainedOn: JSON.parse(trainedOn) as string[] })),
    datasets: database.select().from(catalogDatasets).orderBy(catalogDatasets.id).all(),
    tasks: tasks.map(({ chance, slices, classes, ...entry }) => ({
      ...entry,
      ...(chance !== null && { chance }),
      ...(slices !== null && { slices: JSON.parse(slices) as string[] }),
      ...(classes !== null && { classes: JSON.parse(classes) as string[] }),
    })),
  };
}
