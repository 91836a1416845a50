/** Similarity by an embedder: the cosine of the vectors of two texts, in float64; one text per run. */
import { NumericalError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { SimilarityItem } from '../../contracts/task-items.ts';
import { recordedOptions } from '../../engine/runtime/session-options.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { type DenseWeights, keepDenseWeights } from './dense-scores.ts';
import { addItem, emptyScoreItems, scorePrediction } from './item-score.ts';
import { forEachEncoded } from './run-encoder.ts';
import { type CandidateScoring, type DenseScoring, type ScoringRun, type Scores, optionsOf } from './scoring-task.ts';

interface GradedPairs {
  readonly items: readonly SimilarityItem[];
}

/** Stores the dense model's cosines. Throws the errors of scoreSimilarities. */
export async function scoreDenseSimilarities(task: DenseScoring & GradedPairs): Promise<void> {
  const { dense, folder, items, ...run } = task;
  const weights: number[][] = [];
  await forEachCosine(dense, items, run, (_, cosine) => weights.push([cosine]));
  keepDenseWeights(folder, weights);
}

/** Throws NumericalError naming the item when a vector is not finite or zero. */
export async function scoreSimilarities(task: CandidateScoring<DenseWeights> & GradedPairs): Promise<Scores> {
  const { candidate, denseScores, items, ...run } = task;
  const columns = emptyScoreItems();
  await forEachCosine(candidate, items, run, ({ id, score: target }, prediction, index) => {
    const densePrediction = present(denseScores.weights[index]?.[0], `dense cosine of item ${id}`);
    addItem(columns, id, scorePrediction({ target, prediction, densePrediction }));
  });
  return { items: columns, sessionOptions: recordedOptions(optionsOf(run)) };
}

function forEachCosine(
  model: OnnxModel,
  items: readonly SimilarityItem[],
  run: ScoringRun,
  take: (item: SimilarityItem, cosine: number, index: number) => void,
): Promise<void> {
  return forEachEncoded(model, items, run, async (item, encode, index) => {
    const [first, second] = [await encode({ tokens: item.texts[0] }), await encode({ tokens: item.texts[1] })];
    take(item, cosineOf(item.id, first, second), index);
  });
}

/** Cosine of two vectors. Throws NumericalError naming the item. */
export function cosineOf(id: string, first: readonly number[], second: readonly number[]): number {
  const along = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  const lengths = Math.sqrt(along(first, first) * along(second, second));
  const cosine = along(first, second) / lengths;
  if (Number.isFinite(cosine)) return cosine;
  throw new NumericalError(
    `item ${id}: cosine similarity needs finite non-zero vectors, got lengths whose product is ${lengths}`,
  );
}
