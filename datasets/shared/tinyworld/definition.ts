/** What the TinyWorld datasets have in common. */
import type { DatasetDefinition, Splits } from '../../../harness/contracts/dataset.ts';
import { verifiedSplits } from '../verified-splits.ts';

/** The generator's seed is a label (`WORLD_SEED`); its number is the version of the world. */
const SEED = 1;

type Parts = Pick<DatasetDefinition, 'id' | 'title' | 'version' | 'contentHash' | 'evaluationOnly' | 'tasks'> & {
  readonly rows: () => Splits;
};

/** Rows are generated and verified at the first load and kept. */
export function defineTinyWorld({ rows, ...parts }: Parts): DatasetDefinition {
  let loaded: Splits | undefined;
  const definition: DatasetDefinition = {
    ...parts,
    licence: 'CC0-1.0',
    citation:
      'ShrinkRank contributors: TinyWorld, 2026, generated; card: https://github.com/shrinkrank/shrinkrank/blob/main/datasets/tinyworld.md',
    source: { kind: 'generated', seed: SEED },
    async load() {
      loaded ??= verifiedSplits(definition, rows());
      return loaded;
    },
  };
  return definition;
}

/** The splits of a dataset that is only for tests. */
export function onlyTest(test: Splits['test']): Splits {
  return { test, validation: [], calibration: [], training: [] };
}
