import { describe, expect, it } from 'vitest';
import { bucketedBatches, bucketLengths } from '../../../engine/training/bucketed-batches.ts';
import { present } from '../../../contracts/present.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements, type NumericTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import type { FeedSource } from '../../../engine/training/feed-source.ts';
import { classificationCrossEntropy } from '../../../engine/training/loss.ts';
import { adamW } from '../../../engine/training/optimizer.ts';
import { train } from '../../../engine/training/train.ts';
import { tinyBert } from '../../support/tiny-model.ts';

const random = createRandom('bucketed batches');
const lengths = Array.from({ length: 103 }, () => 2 + Math.floor(60 * random.next() ** 2));
/** Row i holds i + 1 again and again. */
const examples = {
  dataset: 'rows',
  contentHash: '',
  examples: lengths.map((length, row) => ({ tokens: new Int32Array(length).fill(row + 1), label: row % 3 })),
  tokenCount: lengths.reduce((sum, length) => sum + length, 0),
};
const options = {
  examples,
  batch: 4,
  seed: 1,
  longest: 64,
  task: 'classification',
  inputs: ['attention_mask'],
} as const;
const ints = (tensor: NumericTensor | undefined) => [...elements(present(tensor, 'tensor'), 'int64')].map(Number);

describe('bucketLengths', () => {
  it('leaves as few padded tokens as any other choice of as many multiples of 8', () => {
    const padded = (ends: readonly number[]) =>
      lengths.reduce(
        (sum, length) =>
          sum +
          present(
            ends.find((end) => end >= length),
            'bucket',
          ),
        0,
      );
    const chosen = bucketLengths(lengths, { buckets: 3, longest: 64 });
    const multiples = Array.from({ length: 7 }, (_, at) => 8 * (at + 1));
    const longest = Math.ceil(Math.max(...lengths) / 8) * 8;
    const others = multiples.flatMap((a) => multiples.filter((b) => b > a && b < longest).map((b) => [a, b, longest]));
    expect(chosen).toHaveLength(3);
    expect(padded(chosen)).toBe(Math.min(...others.map(padded)));
  });

  it('has at most as many buckets as distinct lengths, and truncates at the longest', () => {
    expect(bucketLengths([3, 5, 8], { buckets: 4, longest: 64 })).toEqual([8]);
    expect(bucketLengths([3, 100], { buckets: 4, longest: 20 })).toEqual([8, 20]);
  });
});

describe('bucketedBatches', () => {
  const batches = bucketedBatches(options);
  const kinds = present(batches.kinds, 'kinds');

  it('returns every row of an epoch once with its label, except those that fill no batch', () => {
    const seen = Array.from({ length: batches.batchesPerEpoch }, (_, index) => {
      const { input_ids, attention_mask, labels } = batches.at(index);
      const shape = present(kinds.shapes[kinds.of(index)], 'shapes');
      expect(input_ids?.dims).toEqual(shape['input_ids']);
      const [tokens, mask] = [ints(input_ids), ints(attention_mask)];
      const width = tokens.length / 4;
      return ints(labels).map((label, row) => {
        const id = present(tokens[row * width], 'token');
        expect(label).toBe((id - 1) % 3);
        const length = present(lengths[id - 1], 'length');
        expect(tokens.slice(row * width, (row + 1) * width)).toEqual([
          ...Array<number>(length).fill(id),
          ...Array<number>(width - length).fill(0),
        ]);
        expect(mask.slice(row * width, (row + 1) * width).filter((one) => one === 1)).toHaveLength(length);
        return id;
      });
    }).flat();
    expect(seen).toHaveLength(100);
    expect(new Set(seen).size).toBe(100);
  });

  it('depends on seed and index, reshuffles in each epoch, and groups batches of one shape', () => {
    const again = bucketedBatches(options);
    for (const index of [30, 3, 0]) expect(again.at(index)).toEqual(batches.at(index));
    const order = (epoch: number) =>
      Array.from({ length: 25 }, (_, at) => ints(batches.at(25 * epoch + at)['input_ids'])[0]);
    expect(order(1)).not.toEqual(order(0));
    const changes = Array.from({ length: 24 }, (_, at) => kinds.of(at) !== kinds.of(at + 1)).filter(Boolean);
    expect(changes.length).toBeLessThan(12);
  });

  it('truncates rows at the longest length, and needs one whole batch', () => {
    const cut = bucketedBatches({ ...options, longest: 10 });
    expect(cut.shapes['input_ids']).toEqual([4, 10]);
    expect(() => bucketedBatches({ ...options, batch: 104 })).toThrow(/has 103 rows, expected at least a batch of 104/);
  });
});

it('trains as well as batches padded to the longest', async () => {
  const model = tinyBert();
  const source = bucketedBatches({ ...options, examples: vocabulary(64), longest: 16 });
  const { shapes } = source;
  const dims = present(shapes['input_ids'], 'input_ids');
  const padded: FeedSource = {
    shapes,
    at: (index) =>
      Object.fromEntries(
        Object.entries(source.at(index)).map(([name, tensor]) => [
          name,
          name === 'labels' ? tensor : widened(tensor, dims),
        ]),
      ),
  };
  const losses = async (feeds: FeedSource) => {
    const { history } = await train({
      model: model.onnx,
      loss: classificationCrossEntropy(),
      feeds: [feeds],
      optimizer: adamW(),
      schedule: () => 1e-3,
      steps: 12,
      threads: 1,
    });
    return history.loss;
  };
  expect(new Set(Array.from({ length: 12 }, (_, at) => source.kinds?.of(at))).size).toBeGreaterThan(1);
  const [bucketed, expected] = [await losses(source), await losses(padded)];
  for (const [step, loss] of bucketed.entries()) expect(loss).toBeCloseTo(present(expected[step], 'loss'), 5);
  await expect(
    train({
      model: model.onnx,
      loss: classificationCrossEntropy(),
      feeds: [source],
      optimizer: adamW(),
      schedule: () => 1e-3,
      steps: 2,
      accumulation: 2,
    }),
  ).rejects.toThrow(/batches of several shapes/);
});

/** The examples with tokens below `size`. */
function vocabulary(size: number) {
  const rows = examples.examples.map(({ tokens, label }) => ({ tokens: tokens.map((token) => token % size), label }));
  return { ...examples, examples: rows };
}

/** [batch, sequence] filled up with zeros. */
function widened(tensor: NumericTensor, dims: readonly number[]): NumericTensor {
  const [batch = 0, to = 0] = dims;
  const values = elements(tensor, 'int64');
  const from = values.length / batch;
  const wide = new BigInt64Array(batch * to);
  for (let row = 0; row < batch; row++) wide.set(values.subarray(row * from, (row + 1) * from), row * to);
  return tensorOf('int64', dims, wide);
}
