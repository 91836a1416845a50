import { type Evaluation, type PerplexityTask, scorePerplexity } from '../../harness/judge/perplexity.ts';
import { summarizeItems } from '../../numerics/statistics/item-statistics.ts';

/** Scores the items and takes the figures from them, as the judge does in two steps. */
export async function evaluatePerplexity(task: PerplexityTask): Promise<Evaluation> {
  const scores = await scorePerplexity(task);
  return { ...scores, ...summarizeItems(scores.items, { metric: 'perplexity' }) };
}
