/**
 * GLUE: sentences and pairs of sentences to be classified. Wang et al. 2018, https://arxiv.org/abs/1804.07461.
 *
 * The test labels were never published, so the test split is the published validation split, as papers have it. Validation and
 * calibration rows are taken from the published training split.
 */
import type { DatasetDefinition, DatasetRow, HubClient, TaskDefinition } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';
import { type HubTable, readHubTable } from './hub-tables.ts';
import { dropLeakedRows } from './leak-guard.ts';
import { textCell } from './parquet-rows.ts';
import { splitTraining } from './train-splits.ts';
import { verifiedSplits } from './verified-splits.ts';

/** The repository of the hub that has all tasks. */
export const GLUE = { repo: 'nyu-mll/glue', revision: 'bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c' } as const;

interface GlueParts extends Pick<DatasetDefinition, 'id' | 'title' | 'licence' | 'citation' | 'contentHash'> {
  readonly source?: { readonly repo: string; readonly revision: string };
  readonly train: HubTable;
  readonly test: HubTable;
  /** Columns of text and, for pairs, of the second segment. */
  readonly columns: readonly [text: string] | readonly [text: string, pair: string];
  /** Names of the classes, by label. */
  readonly classes: readonly string[];
  /** Rows taken from the training split, at least. */
  readonly validation: number;
  readonly calibration: number;
  readonly description: string;
  /** Beside accuracy; the share of class 1 says what guessing by coin gets. */
  readonly f1?: { readonly shareOfClassOne: number };
}

export function defineGlue(parts: GlueParts): DatasetDefinition {
  const { id, title, source = GLUE, train, test, classes, validation, calibration, description, f1, ...words } = parts;
  const task: TaskDefinition = {
    id: `${id}-classification-accuracy`,
    title,
    dataset: id,
    metric: 'classification-accuracy',
    higherIsBetter: true,
    chance: 1 / classes.length,
    classes,
    description,
  };
  const definition: DatasetDefinition = {
    id,
    title,
    version: '1',
    licence: words.licence,
    citation: words.citation,
    source: { kind: 'hub', ...source },
    contentHash: words.contentHash,
    tasks: f1 ? [task, f1Task(task, f1.shareOfClassOne)] : [task],
    async load(hub) {
      const [held, learned] = await Promise.all([readRows(hub, test, 'test'), readRows(hub, train, 'train')]);
      const splits = dropLeakedRows({
        test: held.rows,
        ...splitTraining(learned.rows, { dataset: id, validation, calibration }),
      });
      return verifiedSplits(definition, splits, { areHubFiles: held.isHubFile && learned.isHubFile });
    },
  };

  async function readRows(hub: HubClient, table: HubTable, prefix: string) {
    const [textColumn, pairColumn] = parts.columns;
    const { label, rows, isHubFile } = await readHubTable(hub, source, { table, columns: [...parts.columns, 'label'] });
    const decode = (row: Readonly<Record<string, unknown>>, index: number): DatasetRow => ({
      id: `${prefix}-${String(index).padStart(6, '0')}`,
      text: textCell(row, textColumn, label).trim(),
      ...(pairColumn !== undefined && { pair: textCell(row, pairColumn, label).trim() }),
      label: classCell(row['label'], classes.length, `${label}: row ${index}`),
    });
    return { rows: rows.map(decode), isHubFile };
  }

  return definition;
}

/** A coin finds half of class 1, and is right as often as class 1 is frequent: F1 = share / (share + ½). */
function f1Task(task: TaskDefinition, share: number): TaskDefinition {
  return {
    ...task,
    id: `${task.dataset}-f1`,
    title: `${task.title} F1`,
    metric: 'f1',
    chance: share / (share + 0.5),
  };
}

/** Throws InputError unless the cell is the index of a class. */
function classCell(value: unknown, classes: number, where: string): number {
  const label = Number(value);
  if (typeof value === 'bigint' && label >= 0 && label < classes) return label;
  throw new InputError(`${where}: label ${String(value)}, expected one from 0 to ${classes - 1}; fetch it again`);
}
