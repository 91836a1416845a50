/** Converts the test rows of a task to items for the evaluation. */
import type { DatasetRow, TaskDefinition } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';
import { createRandom } from '../../numerics/tensor/random.ts';
import type { TaskItems, TextItem } from '../../contracts/task-items.ts';
import { encodeWindows } from './encode-continuation.ts';
import {
  type Encoding,
  choiceItem,
  classificationItem,
  regressionItem,
  similarityItem,
  textItem,
} from './encode-row.ts';

type TaskFields = Pick<TaskDefinition, 'id' | 'dataset' | 'metric' | 'slices' | 'windows' | 'limit'>;

/** One item per row or window, in the order of the rows. Throws InputError naming a row that does not fit the task or the model. */
export function taskItems(task: TaskFields, rows: readonly DatasetRow[], encoding: Encoding): TaskItems {
  const { metric, slices } = task;
  if (slices !== undefined) {
    const stray = rows.find(({ slice }) => slice === undefined || !slices.includes(slice));
    if (stray !== undefined) {
      throw new InputError(
        `task ${task.id}: row ${stray.id} is of slice ${stray.slice}, which is none of ${slices.join(', ')}; name it in the task`,
      );
    }
  }
  const order = slices === undefined ? {} : { slices };
  switch (metric) {
    case 'perplexity':
    case 'greedy-accuracy':
      return { metric, items: limited(textItems(task, rows, encoding), task), ...order };
    case 'choice-accuracy':
    case 'normalized-choice-accuracy':
      return { metric, items: limited(rows, task).map((row) => choiceItem(row, encoding)), ...order };
    case 'classification-accuracy':
    case 'f1':
    case 'matthews-correlation':
      return { metric, items: limited(rows, task).map((row) => classificationItem(row, encoding)), ...order };
    case 'pearson-correlation':
    case 'spearman-correlation':
      return { metric, items: limited(rows, task).map((row) => regressionItem(row, encoding)), ...order };
    case 'cosine-spearman':
      return { metric, items: limited(rows, task).map((row) => similarityItem(row, encoding)), ...order };
  }
}

function textItems({ windows }: TaskFields, rows: readonly DatasetRow[], encoding: Encoding): TextItem[] {
  if (windows === undefined) return rows.map((row) => textItem(row, encoding));
  return rows.flatMap((row) => encodeWindows(row, windows, encoding));
}

/** All rows, or as many as the task asks for, drawn with a fixed seed and kept in order. */
function limited<T>(all: readonly T[], { dataset, limit = all.length }: TaskFields): readonly T[] {
  if (limit >= all.length) return all;
  const chosen = new Set(createRandom(`limit/${dataset}`).shuffle(all).slice(0, limit));
  return all.filter((item) => chosen.has(item));
}
