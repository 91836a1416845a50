/** Regression by an encoder with one output: the score of a text or a pair; one item per run. */
import { InputError, NumericalError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { RegressionItem } from '../../contracts/task-items.ts';
import { recordedOptions } from '../../engine/runtime/session-options.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { type DenseWeights, keepDenseWeights } from './dense-scores.ts';
import { addItem, emptyScoreItems, scorePrediction } from './item-score.ts';
import { forEachEncoded } from './run-encoder.ts';
import { type CandidateScoring, type DenseScoring, type ScoringRun, type Scores, optionsOf } from './scoring-task.ts';

interface GradedTexts {
  readonly items: readonly RegressionItem[];
}

/** Stores the dense model's scores. Throws the errors of scoreRegressions. */
export async function scoreDenseRegressions(task: DenseScoring & GradedTexts): Promise<void> {
  const { dense, folder, items, ...run } = task;
  const weights: number[][] = [];
  await forEachScore(dense, items, run, (_, score) => weights.push([score]));
  keepDenseWeights(folder, weights);
}

/** Throws InputError for a model of several outputs, NumericalError naming the item when a score is not finite. */
export async function scoreRegressions(task: CandidateScoring<DenseWeights> & GradedTexts): Promise<Scores> {
  const { candidate, denseScores, items, ...run } = task;
  const columns = emptyScoreItems();
  await forEachScore(candidate, items, run, ({ id, score: target }, prediction, index) => {
    const densePrediction = present(denseScores.weights[index]?.[0], `dense score of item ${id}`);
    addItem(columns, id, scorePrediction({ target, prediction, densePrediction }));
  });
  return { items: columns, sessionOptions: recordedOptions(optionsOf(run)) };
}

function forEachScore(
  model: OnnxModel,
  items: readonly RegressionItem[],
  run: ScoringRun,
  take: (item: RegressionItem, score: number, index: number) => void,
): Promise<void> {
  return forEachEncoded(model, items, run, async (item, encode, index) => {
    const [score = 0, ...others] = await encode(item);
    if (others.length > 0) {
      throw new InputError(`item ${item.id}: regression needs an encoder with one output, got ${others.length + 1}`);
    }
    if (!Number.isFinite(score)) {
      throw new NumericalError(`item ${item.id}: the model gives the score ${score}, expected a finite one`);
    }
    take(item, score, index);
  });
}
