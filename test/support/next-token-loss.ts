/** Examples with something in them to learn, and how well a decoder has learned it. */
import type { ExampleSet } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { logitsOf } from './run-model.ts';

/** Sequences that count up in steps of one to three: the next token follows from the last two. */
export function countingExamples({ count = 32, length = 33, vocabulary = 24 } = {}): ExampleSet {
  const examples = Array.from({ length: count }, (_, row) => ({
    tokens: Int32Array.from({ length }, (__, at) => (row * 5 + at * (1 + (row % 3))) % vocabulary),
  }));
  return { dataset: 'counting', contentHash: `counting ${count} ${length}`, examples, tokenCount: count * length };
}

/** Mean −ln p(next token) in nats, over examples of equal length. */
export async function nextTokenLoss(model: Pick<Model, 'onnx'>, { examples }: ExampleSet): Promise<number> {
  const rows = examples.map(({ tokens }) => [...tokens].slice(0, 32));
  const logits = await logitsOf(model, rows);
  const sequence = rows[0]?.length ?? 0;
  const classes = logits.length / rows.length / sequence;
  let sum = 0;
  for (const [row, tokens] of rows.entries()) {
    for (let at = 0; at + 1 < sequence; at++) {
      const scores = logits.subarray((row * sequence + at) * classes, (row * sequence + at + 1) * classes);
      const highest = Math.max(...scores);
      const total = scores.reduce((all, score) => all + Math.exp(score - highest), 0);
      sum += highest + Math.log(total) - (scores[tokens[at + 1] as number] as number);
    }
  }
  return sum / rows.length / (sequence - 1);
}
