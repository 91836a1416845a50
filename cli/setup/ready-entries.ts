/** What a run needs from elsewhere, before it begins: files of models and datasets are fetched, fine-tuned models are made. */
import type { DatasetDefinition } from '../../contracts/dataset.ts';
import { BenchError } from '../../contracts/errors.ts';
import type { ModelDefinition } from '../../engine/definitions/model.ts';
import type { HubAccess } from '../../engine/hub/hub-client.ts';
import type { SuiteEntry } from '../../harness/plan/plan.ts';
import { makeModel, type MakingOptions } from './made-model.ts';
import { findDataset } from './registry.ts';

export interface ReadyEntries {
  readonly entries: readonly SuiteEntry[];
  /** Models of the entries that are left out, and why. */
  readonly missing: readonly { readonly model: string; readonly reason: string }[];
}

/**
 * Leaves out entries whose model or a dataset cannot be fetched, and says so. Throws the first one's error where nothing is
 * left, and what making a model throws.
 */
export async function readyEntries(entries: readonly SuiteEntry[], making: MakingOptions): Promise<ReadyEntries> {
  const { hub, say } = making;
  const fetched = new Map<string, Promise<unknown>>();
  const once = (name: string, fetch: () => Promise<unknown>): Promise<unknown> => {
    const known = fetched.get(name) ?? fetch();
    fetched.set(name, known);
    return known;
  };
  const ready: SuiteEntry[] = [];
  const missing: ReadyEntries['missing'][number][] = [];
  let first: unknown;
  for (const entry of entries) {
    const { model, calibration, tasks } = entry;
    const needed = [calibration, ...tasks.map(({ dataset }) => dataset), ...datasetsToMake(model)];
    try {
      await once(`model ${model.id}`, () => fetchModel(model, hub));
      for (const dataset of needed) await once(`dataset ${dataset.id}`, () => fetchDataset(dataset, hub));
    } catch (error) {
      if (!(error instanceof BenchError)) throw error;
      first ??= error;
      missing.push({ model: model.id, reason: error.message });
      continue;
    }
    ready.push(entry);
  }
  if (ready.length === 0 && first !== undefined) throw first;
  for (const { model, reason } of missing) say(`${model}: left out: ${reason}`);
  const made: SuiteEntry[] = [];
  for (const entry of ready) made.push({ ...entry, model: await makeModel(entry.model, making) });
  return { entries: made, missing };
}

async function fetchModel({ source }: ModelDefinition, hub: HubAccess): Promise<void> {
  if (source.kind === 'fine-tuned' && source.path === undefined) return fetchModel(source.base, hub);
  if (source.kind !== 'hub') return;
  const { repo, revision } = source;
  for (const { path, sha256 } of source.files) {
    await hub.locate({ kind: 'model', repo, revision, path, ...(sha256 !== undefined && { sha256 }) });
  }
}

/** What the making of a model reads besides its base. */
function datasetsToMake({ source }: ModelDefinition): readonly DatasetDefinition[] {
  return source.kind === 'fine-tuned' && source.path === undefined ? [findDataset(source.recipe.dataset)] : [];
}

async function fetchDataset(dataset: DatasetDefinition, hub: HubAccess): Promise<void> {
  if (dataset.source.kind === 'hub') await dataset.load(hub);
}
