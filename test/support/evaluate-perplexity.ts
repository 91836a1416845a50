import type { Example } from '../../engine/definitions/method.ts';
import { type Evaluation, type EvaluationTask, evaluateTask } from '../../harness/judge/evaluate-task.ts';

export interface PerplexityTask extends Omit<EvaluationTask, 'task'> {
  readonly examples: readonly Pick<Example, 'tokens'>[];
  /** Names of the items, in order. */
  readonly ids: readonly string[];
}

/** Perplexity and distance of the candidate on token sequences. */
export function evaluatePerplexity({ examples, ids, ...run }: PerplexityTask): Promise<Evaluation> {
  const items = examples.map(({ tokens }, index) => ({ id: ids[index] ?? '', tokens }));
  return evaluateTask({ ...run, task: { metric: 'perplexity', items } });
}
