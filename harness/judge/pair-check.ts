/**
 * Compares separate scoring with scoring in one session: dense and candidate are merged into one graph and run on the
 * shortest item. Done for one artifact of each task in a run, since it needs the memory of both at once.
 */
import { present } from '../../contracts/present.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Items } from '../../contracts/result.ts';
import type { TaskItems } from '../../contracts/task-items.ts';
import { createMappedSession } from '../../engine/runtime/mapped-session.ts';
import type { Session } from '../../engine/runtime/session.ts';
import { exampleFeeds } from '../../engine/runtime/token-feeds.ts';
import { kindFor } from '../../engine/model/encode-row.ts';
import { elements, tensorOf } from '../../numerics/tensor/tensor.ts';
import { scoreDecision, scorePrediction } from './item-score.ts';
import { type ModelPair, PAIRED_OUTPUTS, pairedGraph } from './paired-graph.ts';
import type { EncoderInput } from './run-encoder.ts';
import { SCORE_OUTPUTS, TARGETS, withScores } from './scoring-head.ts';
import { type ScoringRun, optionsOf } from './scoring-task.ts';
import { cosineOf } from './similarity.ts';
import { finiteSum } from './token-scores.ts';

export interface PairCheck extends ModelPair, Pick<ScoringRun, 'scratch'> {
  readonly task: TaskItems;
  /** The scores that are checked. */
  readonly items: Items;
}

/** Sums over the decisions of an item, in nats. */
interface PairedSums {
  readonly negativeLogLikelihood: number;
  readonly denseNegativeLogLikelihood: number;
  readonly klDivergence: number;
}

/**
 * Throws an Error, which is a fault of the harness, where the two differ by more than PROTOCOL.quality.pairTolerance.
 */
export async function checkPair({ task, items, scratch, ...pair }: PairCheck): Promise<void> {
  const lengths = task.items.map(tokensOf);
  const shortest = lengths.indexOf(Math.min(...lengths));
  const both = pairedGraph(pair);
  const graph =
    kindFor(task.metric) === 'decoder'
      ? withScores(both, { logits: PAIRED_OUTPUTS.logits, dense_logits: PAIRED_OUTPUTS.denseLogits })
      : both;
  const { scratch: _, ...options } = optionsOf({});
  const session = await createMappedSession(graph, { ...options, ...(scratch !== undefined && { scratch }) });
  try {
    requireEqual(items, shortest, await scoreTogether(session, task, shortest));
  } finally {
    await session.release();
  }
}

function tokensOf(item: TaskItems['items'][number]): number {
  const sequences = 'choices' in item ? item.choices : 'texts' in item ? item.texts : [item.tokens];
  return sequences.reduce((sum, { length }) => sum + length, 0);
}

async function scoreTogether(session: Session, task: TaskItems, index: number): Promise<PairedSums> {
  switch (task.metric) {
    case 'perplexity':
    case 'greedy-accuracy': {
      const { id, tokens, start = 1 } = present(task.items[index], 'the shortest item');
      const scores = await scoreTokens(session, tokens, start);
      const sum = (values: Float32Array) => finiteSum(values, id, 'a score of the pair');
      return {
        negativeLogLikelihood: sum(scores.loss),
        denseNegativeLogLikelihood: sum(scores.denseLoss),
        klDivergence: sum(scores.divergence),
      };
    }
    case 'choice-accuracy':
    case 'normalized-choice-accuracy': {
      const { id, label, choices, starts } = present(task.items[index], 'the shortest item');
      const weights: number[] = [];
      const denseWeights: number[] = [];
      for (const tokens of choices) {
        const start = present(starts[weights.length], `start of a choice of ${id}`);
        const { loss, denseLoss } = await scoreTokens(session, tokens, start);
        weights.push(-finiteSum(loss, id, 'a score of the pair'));
        denseWeights.push(-finiteSum(denseLoss, id, 'a score of the pair'));
      }
      return scoreDecision({ id, label, weights, denseWeights });
    }
    case 'classification-accuracy':
    case 'f1':
    case 'matthews-correlation': {
      const item = present(task.items[index], 'the shortest item');
      const { weights, denseWeights } = await encodeTogether(session, item);
      return scoreDecision({ id: item.id, label: item.label, weights, denseWeights });
    }
    case 'pearson-correlation':
    case 'spearman-correlation': {
      const item = present(task.items[index], 'the shortest item');
      const { weights, denseWeights } = await encodeTogether(session, item);
      const [prediction, densePrediction] = [present(weights[0], 'a score'), present(denseWeights[0], 'a score')];
      return scorePrediction({ target: item.score, prediction, densePrediction });
    }
    case 'cosine-spearman': {
      const { id, score, texts } = present(task.items[index], 'the shortest item');
      const first = await encodeTogether(session, { tokens: texts[0] });
      const second = await encodeTogether(session, { tokens: texts[1] });
      const prediction = cosineOf(id, first.weights, second.weights);
      const densePrediction = cosineOf(id, first.denseWeights, second.denseWeights);
      return scorePrediction({ target: score, prediction, densePrediction });
    }
  }
}

async function encodeTogether(session: Session, input: EncoderInput) {
  const outputs = await session.run(exampleFeeds(session.inputs, input));
  const read = (name: string) => [...elements(present(outputs[name], name), 'float32')];
  return { weights: read(PAIRED_OUTPUTS.logits), denseWeights: read(PAIRED_OUTPUTS.denseLogits) };
}

/** Scores of the tokens from `start` on. */
async function scoreTokens(session: Session, tokens: Int32Array, start: number) {
  const targets = BigInt64Array.from(tokens.subarray(1), BigInt);
  const inputs = session.inputs.filter(({ name }) => name !== TARGETS);
  const outputs = await session.run({
    ...exampleFeeds(inputs, { tokens: tokens.subarray(0, -1) }),
    [TARGETS]: tensorOf('int64', [1, targets.length], targets),
  });
  const read = (name: string) => elements(present(outputs[name], name), 'float32').subarray(start - 1);
  return {
    loss: read(SCORE_OUTPUTS.negativeLogLikelihood),
    denseLoss: read(SCORE_OUTPUTS.denseNegativeLogLikelihood),
    divergence: read(SCORE_OUTPUTS.klDivergence),
  };
}

function requireEqual(items: Items, index: number, together: PairedSums): void {
  const decisions = present(items.tokens[index], 'decisions of the shortest item');
  for (const column of ['denseNegativeLogLikelihood', 'negativeLogLikelihood', 'klDivergence'] as const) {
    const apart = present(items[column][index], column);
    const difference = Math.abs(apart - together[column]) / decisions;
    if (difference <= PROTOCOL.quality.pairTolerance) continue;
    throw new Error(
      `scoring item ${items.ids[index]}: ${column} is ${apart} with dense and artifact in sessions of their own, and ` +
        `${together[column]} in one session: ${difference} nats per decision apart, more than ${PROTOCOL.quality.pairTolerance}`,
    );
  }
}
