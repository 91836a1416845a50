/** Scores a candidate on a task's items by the task's metric, together with the dense model. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IntegrityError } from '../../contracts/errors.ts';
import type { Distance, Quality } from '../../contracts/result.ts';
import type { TaskItems } from '../../contracts/task-items.ts';
import { summarizeItems } from '../../numerics/statistics/item-statistics.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { scoreChoices, scoreDenseChoices } from './choice.ts';
import { scoreClasses, scoreDenseClasses } from './classification.ts';
import { type DenseScores, type DenseValues, type DenseWeights, readDenseScores } from './dense-scores.ts';
import { requireInterface } from './paired-graph.ts';
import { scoreDenseTexts, scoreTexts } from './perplexity.ts';
import { scoreDenseRegressions, scoreRegressions } from './regression.ts';
import { scoreDenseSimilarities, scoreSimilarities } from './similarity.ts';
import type { CandidateScoring, DenseScoring, ScoringRun, Scores } from './scoring-task.ts';

export interface Evaluation extends Scores {
  readonly quality: Quality;
  readonly distance: Distance;
}

export interface EvaluationTask extends ScoringRun {
  readonly dense: OnnxModel;
  readonly candidate: OnnxModel;
  readonly task: TaskItems;
}

/** Scores both; the dense model's scores are not stored. Throws the errors of the metric's scoring. */
export async function evaluateTask({ dense, candidate, task, ...run }: EvaluationTask): Promise<Evaluation> {
  requireInterface({ dense, candidate });
  const folder = mkdtempSync(join(run.scratch ?? tmpdir(), 'dense-scores-'));
  try {
    const { onProgress: _, ...quiet } = run;
    await scoreDense({ ...quiet, dense, task, folder });
    return await evaluateCandidate({ ...run, candidate, task, denseScores: readDenseScores(folder) });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Stores the dense model's scores in the folder. */
export function scoreDense({ task, ...run }: DenseScoring & { readonly task: TaskItems }): Promise<void> {
  switch (task.metric) {
    case 'perplexity':
    case 'greedy-accuracy':
      return scoreDenseTexts({ ...run, items: task.items });
    case 'choice-accuracy':
    case 'normalized-choice-accuracy':
      return scoreDenseChoices({ ...run, items: task.items });
    case 'classification-accuracy':
    case 'f1':
    case 'matthews-correlation':
      return scoreDenseClasses({ ...run, items: task.items });
    case 'pearson-correlation':
    case 'spearman-correlation':
      return scoreDenseRegressions({ ...run, items: task.items });
    case 'cosine-spearman':
      return scoreDenseSimilarities({ ...run, items: task.items });
  }
}

export interface CandidateEvaluation extends CandidateScoring<DenseScores> {
  readonly task: TaskItems;
}

/** Throws the errors of the metric's scoring. */
export async function evaluateCandidate({ task, ...run }: CandidateEvaluation): Promise<Evaluation> {
  const { items, sessionOptions } = await scoreCandidate({ task, ...run });
  const { metric, slices } = task;
  if (slices === undefined) return { items, sessionOptions, ...summarizeItems(items, { metric }) };
  const sliced = { ...items, slices: task.items.map(({ slice = '' }) => slice) };
  return { items: sliced, sessionOptions, ...summarizeItems(sliced, { metric, slices }) };
}

function scoreCandidate({ task, denseScores, ...run }: CandidateEvaluation): Promise<Scores> {
  switch (task.metric) {
    case 'perplexity':
    case 'greedy-accuracy':
      return scoreTexts({ ...run, denseScores: valuesOf(denseScores), items: task.items });
    case 'choice-accuracy':
    case 'normalized-choice-accuracy':
      return scoreChoices({
        ...run,
        denseScores: weightsOf(denseScores),
        items: task.items,
        perCharacter: task.metric === 'normalized-choice-accuracy',
      });
    case 'classification-accuracy':
    case 'f1':
    case 'matthews-correlation':
      return scoreClasses({ ...run, denseScores: weightsOf(denseScores), items: task.items });
    case 'pearson-correlation':
    case 'spearman-correlation':
      return scoreRegressions({ ...run, denseScores: weightsOf(denseScores), items: task.items });
    case 'cosine-spearman':
      return scoreSimilarities({ ...run, denseScores: weightsOf(denseScores), items: task.items });
  }
}

function valuesOf(scores: DenseScores): DenseValues {
  if (scores.kind === 'values') return scores;
  throw new IntegrityError('dense scores: expected the values of a head, got weights of answers; delete the folder');
}

function weightsOf(scores: DenseScores): DenseWeights {
  if (scores.kind === 'weights') return scores;
  throw new IntegrityError('dense scores: expected weights of answers, got the values of a head; delete the folder');
}
