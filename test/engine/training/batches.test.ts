import { describe, expect, it } from 'vitest';
import type { ExampleSet } from '../../../engine/definitions/method.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements, type NumericTensor } from '../../../numerics/tensor/tensor.ts';
import { type BatchOptions, tokenBatches } from '../../../engine/training/batches.ts';
import { classificationCrossEntropy, nextTokenCrossEntropy } from '../../../engine/training/loss.ts';
import { adamW } from '../../../engine/training/optimizer.ts';
import { train } from '../../../engine/training/train.ts';
import { tinyBert, tinyGpt } from '../../support/tiny-model.ts';

/** Example i holds 1000 i, 1000 i + 1, …; lengths differ. */
function numbered(lengths: readonly number[]): ExampleSet {
  const examples = lengths.map((length, index) => ({
    tokens: Int32Array.from({ length }, (_, at) => 1000 * index + at),
    label: index % 2,
  }));
  return {
    dataset: 'numbered',
    contentHash: '',
    examples,
    tokenCount: lengths.reduce((sum, length) => sum + length, 0),
  };
}
const ints = (tensor: NumericTensor | undefined) => [...elements(tensor as NumericTensor, 'int64')].map(Number);

describe('tokenBatches', () => {
  const options: BatchOptions = { examples: numbered([3, 6, 9, 2, 5]), batch: 2, sequence: 5, seed: 0 };

  it('pads rows, and only real predictions count', () => {
    const batches = tokenBatches({ ...options, padding: 7, inputs: ['attention_mask'] });
    expect(batches.batchesPerEpoch).toBe(2);
    const { input_ids, targets, target_weights, attention_mask } = batches.at(0);
    const [ids, next, mask] = [ints(input_ids), ints(targets), ints(attention_mask)];
    const weights = [...elements(target_weights as NumericTensor, 'float32')];
    for (let row = 0; row < 2; row++) {
      const example = options.examples.examples[Math.floor((ids[5 * row] as number) / 1000)]?.tokens as Int32Array;
      for (let at = 0; at < 5; at++) {
        expect(ids[5 * row + at]).toBe(example[at] ?? 7);
        expect(mask[5 * row + at]).toBe(at < example.length ? 1 : 0);
        expect(weights[5 * row + at]).toBe(at + 1 < example.length ? 1 : 0);
        if (at + 1 < example.length) expect(next[5 * row + at]).toBe(example[at + 1]);
      }
    }
  });

  it('packs all tokens into full rows', () => {
    const batches = tokenBatches({ ...options, batch: 1, arrangement: 'pack' });
    expect(batches.batchesPerEpoch).toBe(4);
    const seen = Array.from({ length: 4 }, (_, index) => batches.at(index)).flatMap(
      ({ input_ids, targets, target_weights }) => {
        expect([...elements(target_weights as NumericTensor, 'float32')]).toEqual([1, 1, 1, 1, 1]);
        expect(ints(targets).slice(0, 4)).toEqual(ints(input_ids).slice(1));
        return [...ints(input_ids), ints(targets)[4] as number];
      },
    );
    expect(new Set(seen).size).toBe(24);
  });

  it('reshuffles each epoch, identically for the same seed', () => {
    const many: BatchOptions = { ...options, examples: numbered(Array.from({ length: 20 }, () => 6)), batch: 20 };
    const order = (index: number, seed: number) =>
      ints(tokenBatches({ ...many, seed }).at(index).input_ids).filter((_, at) => at % 5 === 0);
    expect(order(1, 0)).toEqual(order(1, 0));
    expect(order(1, 0)).not.toEqual(order(0, 0));
    expect(order(0, 1)).not.toEqual(order(0, 0));
    expect(order(1, 0).sort((a, b) => a - b)).toEqual(order(0, 0).sort((a, b) => a - b));
  });

  it('refuses less than one batch, and missing labels', () => {
    expect(() => tokenBatches({ ...options, batch: 6 })).toThrow(/has 5 rows/);
    expect(() => tokenBatches({ ...options, task: 'classification', arrangement: 'pack' })).toThrow(/pad/);
    const unlabelled = { ...options.examples, examples: options.examples.examples.map(({ tokens }) => ({ tokens })) };
    expect(() => tokenBatches({ ...options, examples: unlabelled, task: 'classification' }).at(0)).toThrow(
      /needs labels/,
    );
  });
});

function sequences({ count, length, vocabulary }: { count: number; length: number; vocabulary: number }): ExampleSet {
  const random = createRandom('sequences');
  const examples = Array.from({ length: count }, () => {
    const start = random.integer(vocabulary);
    const step = 1 + random.integer(2);
    return { tokens: Int32Array.from({ length }, (_, at) => (start + step * at) % vocabulary), label: step - 1 };
  });
  return { dataset: 'sequences', contentHash: '', examples, tokenCount: count * length };
}

describe('training on batches', () => {
  const common = { optimizer: adamW(), schedule: () => 1e-2, steps: 60, threads: 1 } as const;

  it('trains a GPT to count', async () => {
    const batches = tokenBatches({
      examples: sequences({ count: 64, length: 9, vocabulary: 32 }),
      batch: 16,
      sequence: 8,
      seed: 1,
    });
    const { history } = await train({
      ...common,
      model: tinyGpt().onnx,
      loss: nextTokenCrossEntropy(),
      feeds: [batches],
    });
    expect(history.loss.at(-1)).toBeLessThan(0.5 * (history.loss[0] as number));
  });

  it('trains a BERT to recognize by what step a row counts', async () => {
    const model = tinyBert({ classes: 2 }).onnx;
    const wanted = new Set(model.graph.inputs.map(({ name }) => name));
    const batches = tokenBatches({
      examples: sequences({ count: 64, length: 8, vocabulary: 32 }),
      batch: 16,
      sequence: 8,
      seed: 1,
      task: 'classification',
      inputs: (['attention_mask', 'token_type_ids'] as const).filter((name) => wanted.has(name)),
    });
    const { history } = await train({ ...common, model, loss: classificationCrossEntropy(), feeds: [batches] });
    expect(history.loss.at(-1)).toBeLessThan(0.2);
  });
});
