/** Scores a candidate and the dense model on a task's items by the task's metric. */
import type { TaskItems } from '../../contracts/task-items.ts';
import type { Provider } from '../../contracts/runner.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { scoreChoices } from './choice.ts';
import { scoreClasses } from './classification.ts';
import { summarizeItems } from '../../numerics/statistics/item-statistics.ts';
import { type Evaluation, scorePerplexity } from './perplexity.ts';
import type { Scores } from './scoring-task.ts';

export interface EvaluationTask {
  readonly dense: OnnxModel;
  readonly candidate: OnnxModel;
  readonly task: TaskItems;
  /** Default `cpu`. */
  readonly provider?: Provider;
  readonly signal?: AbortSignal;
  readonly onProgress?: (share: number) => void;
}

/** Throws what the metric's own scoring throws. */
export async function evaluateTask({ task, ...run }: EvaluationTask): Promise<Evaluation> {
  const { items, sessionOptions } = await scoreTask({ task, ...run });
  const { metric, slices } = task;
  if (slices === undefined) return { items, sessionOptions, ...summarizeItems(items, { metric }) };
  const sliced = { ...items, slices: task.items.map(({ slice = '' }) => slice) };
  return { items: sliced, sessionOptions, ...summarizeItems(sliced, { metric, slices }) };
}

function scoreTask({ task, ...run }: EvaluationTask): Promise<Scores> {
  switch (task.metric) {
    case 'perplexity':
      return scorePerplexity({ ...run, examples: task.items, ids: task.items.map(({ id }) => id) });
    case 'choice-accuracy':
      return scoreChoices({ ...run, items: task.items });
    case 'classification-accuracy':
      return scoreClasses({ ...run, items: task.items });
  }
}
