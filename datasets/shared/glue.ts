/**
 * GLUE: classification of sentences and pairs of sentences. Wang et al. 2018, https://arxiv.org/abs/1804.07461.
 *
 * The test labels were never published, so the test split is the published validation split, as in papers. Validation
 * and calibration rows are taken from the published training split.
 */
import type { DatasetDefinition, DatasetRow, HubClient, TaskDefinition } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';
import { type HubTable, readHubTable } from './hub-tables.ts';
import { dropLeakedRows } from './leak-guard.ts';
import { textCell } from './parquet-rows.ts';
import { splitTraining } from './train-splits.ts';
import { verifiedSplits } from './verified-splits.ts';

/** The hub repository that contains all tasks. */
export const GLUE = { repo: 'nyu-mll/glue', revision: 'bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c' } as const;

interface GlueParts extends Pick<DatasetDefinition, 'id' | 'title' | 'licence' | 'citation' | 'contentHash'> {
  readonly source?: { readonly repo: string; readonly revision: string };
  readonly train: HubTable;
  readonly test: HubTable;
  /** Columns of text and, for pairs, of the second segment. */
  readonly columns: readonly [text: string] | readonly [text: string, pair: string];
  /** Names of the classes, by label. */
  readonly classes: readonly string[];
  /** Minimum number of rows taken from the training split. */
  readonly validation: number;
  readonly calibration: number;
  readonly description: string;
  /** Secondary metric besides accuracy; it needs the share of class 1 to state the score of a coin toss. */
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

/** F1 of a coin toss: recall ½ and precision equal to the share of class 1, so share / (share + ½). */
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
  throw new InputError(`${where}: expected a label from 0 to ${classes - 1}, got ${String(value)}; fetch it again`);
}
