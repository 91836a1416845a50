/** The test rows of a task as items for the evaluation. */
import type { DatasetRow, TaskDefinition } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';
import type { TaskItems } from '../../contracts/task-items.ts';
import { type Encoding, choiceItem, classificationItem, textItem } from './encode-row.ts';

/** One item per row, in the order of the rows. Throws InputError naming a row that does not fit the task or the model. */
export function taskItems(
  task: Pick<TaskDefinition, 'id' | 'metric' | 'slices'>,
  rows: readonly DatasetRow[],
  encoding: Encoding,
): TaskItems {
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
      return { metric, items: rows.map((row) => textItem(row, encoding)), ...order };
    case 'choice-accuracy':
      return { metric, items: rows.map((row) => choiceItem(row, encoding)), ...order };
    case 'classification-accuracy':
      return { metric, items: rows.map((row) => classificationItem(row, encoding)), ...order };
  }
}
