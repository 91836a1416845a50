/**
 * STS-B: pairs of sentences with their similarity as rated by people, from 0 to 1. Cer et al. 2017,
 * https://aclanthology.org/S17-2001/.
 * For embedders. As in MTEB, the test split is the published one, whose scores are public.
 */
import type { DatasetDefinition, DatasetRow, HubClient } from '../contracts/dataset.ts';
import { type HubTable, readHubTable } from './shared/hub-tables.ts';
import { dropLeakedRows } from './shared/leak-guard.ts';
import { scoreCell, textCell } from './shared/parquet-rows.ts';
import { splitTraining } from './shared/train-splits.ts';
import { verifiedSplits } from './shared/verified-splits.ts';

const SOURCE = { repo: 'sentence-transformers/stsb', revision: 'feb8fb722daa8c2fc249baf94e9c8e93b3345b7f' } as const;
const TEST: HubTable = { path: 'data/test-00000-of-00001.parquet', rows: 1_379 };
const VALIDATION: HubTable = { path: 'data/validation-00000-of-00001.parquet', rows: 1_500 };
const TRAIN: HubTable = { path: 'data/train-00000-of-00001.parquet', rows: 5_749 };
const COLUMNS = ['sentence1', 'sentence2', 'score'] as const;

/** Minimum number of pairs: twice what one trial draws. */
const CALIBRATION_PAIRS = 1_200;

const definition: DatasetDefinition = {
  id: 'stsb',
  title: 'STS-B',
  version: '1',
  licence: 'no licence stated; research use',
  citation:
    'Daniel Cer and others: SemEval-2017 Task 1: Semantic Textual Similarity, 2017, https://aclanthology.org/S17-2001/',
  source: { kind: 'hub', ...SOURCE },
  contentHash: '5886f4592a644bc7d5a2159de4a3ecf4f593456c41f829d9c177f4ff46d4c3ca',
  tasks: [
    {
      id: 'stsb-cosine-spearman',
      title: 'STS-B similarity',
      dataset: 'stsb',
      metric: 'cosine-spearman',
      higherIsBetter: true,
      chance: 0,
      description:
        'Embed the sentences of 1,379 pairs; the cosines of the pairs should be in the order of the scores that people gave.',
    },
  ],
  async load(hub) {
    const [test, validation, train] = await Promise.all([
      readPairs(hub, TEST, 'test'),
      readPairs(hub, VALIDATION, 'validation'),
      readPairs(hub, TRAIN, 'train'),
    ]);
    const { calibration, training } = splitTraining(train, {
      dataset: 'stsb',
      validation: 0,
      calibration: CALIBRATION_PAIRS,
    });
    return verifiedSplits(definition, dropLeakedRows({ test, validation, calibration, training }));
  },
};

export default definition;

async function readPairs(hub: HubClient, table: HubTable, prefix: string): Promise<readonly DatasetRow[]> {
  const { label, rows } = await readHubTable(hub, SOURCE, { table, columns: COLUMNS });
  return rows.map((row, index) => ({
    id: `${prefix}-${String(index).padStart(4, '0')}`,
    text: textCell(row, 'sentence1', label),
    pair: textCell(row, 'sentence2', label),
    score: scoreCell(row, 'score', `${label}: row ${index}`),
  }));
}
