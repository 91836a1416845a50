import { describe, expect, it } from 'vitest';
import { createGraphBuilder } from '../../../../numerics/onnx/builder.ts';
import { createSession } from '../../../../engine/runtime/session.ts';
import { thinSvd } from '../../../../numerics/tensor/linear-algebra.ts';
import { createRandom } from '../../../../numerics/tensor/random.ts';
import { elements, tensorOf } from '../../../../numerics/tensor/tensor.ts';
import { extendModel, type GraphWriter } from '../../../../engine/training/graph-writer.ts';
import {
  boundedRanks,
  coreElements,
  type CoreValues,
  evenDigits,
  foldingOf,
  multipliedOut,
  rankBoundFor,
  rowsFromCores,
  tensorTrain,
  type TensorTrain,
  timesCores,
  transposedCores,
  writeCores,
} from '../../../../methods/shared/solvers/tensor-train.ts';
import { largestDifference } from '../../../support/run-model.ts';

const random = createRandom('tensor-train');
const gaussian = (length: number) => Float32Array.from({ length }, () => random.normal());

/** Element by element, as the definition has it: the product of one slice of each core. */
function elementOf({ rowDigits, columnDigits, ranks, cores }: TensorTrain, row: number, column: number): number {
  let vector = [1];
  const digit = (index: number, digits: readonly number[], k: number) =>
    Math.floor(index / digits.slice(k + 1).reduce((all, size) => all * size, 1)) % (digits[k] as number);
  for (const [k, core] of cores.entries()) {
    const [i, j] = [digit(row, rowDigits, k), digit(column, columnDigits, k)];
    const after = ranks[k + 1] as number;
    vector = Array.from({ length: after }, (_, b) =>
      vector.reduce((sum, value, a) => {
        const at = ((a * (rowDigits[k] as number) + i) * (columnDigits[k] as number) + j) * after + b;
        return sum + value * (core[at] as number);
      }, 0),
    );
  }
  return vector[0] as number;
}
const matrixOf = (train: TensorTrain) =>
  Float32Array.from({ length: train.rows * train.columns }, (_, at) =>
    elementOf(train, Math.floor(at / train.columns), at % train.columns),
  );
const squares = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value * value, 0);

describe('evenDigits', () => {
  it('factorises a number, and pads one without even factors', () => {
    expect(evenDigits(64, 2)).toEqual([8, 8]);
    expect(evenDigits(512, 3)).toEqual([8, 8, 8]);
    expect(evenDigits(768, 2)).toEqual([24, 32]);
    expect(evenDigits(172, 2)).toEqual([11, 16]);
    expect(evenDigits(172, 3)).toEqual([5, 5, 7]);
    const vocabulary = evenDigits(50_257, 3);
    expect(vocabulary.reduce((all, digit) => all * digit, 1)).toBeLessThan(50_257 * 1.01);
  });
});

describe('tensorTrain', () => {
  const shapes = [
    { rows: 24, columns: 36, cores: 2 },
    { rows: 24, columns: 30, cores: 3 },
    { rows: 17, columns: 13, cores: 2 },
    { rows: 23, columns: 40, cores: 4 },
  ];
  it.each(shapes)(
    'is exact where no rank is truncated: $rows × $columns in $cores',
    async ({ rows, columns, cores }) => {
      const matrix = gaussian(rows * columns);
      const train = await tensorTrain(matrix, foldingOf(rows, columns, cores), Infinity);
      expect(largestDifference(matrixOf(train), matrix)).toBeLessThan(2e-5);
      expect(train.cores.reduce((sum, core) => sum + core.length, 0)).toBe(coreElements(train, train.ranks));
    },
  );

  it('equals the truncated SVD of the folded matrix for two cores', async () => {
    const [rows, columns] = [12, 12];
    const matrix = gaussian(rows * columns);
    const folding = foldingOf(rows, columns, 2);
    const [m1 = 0, m2 = 0] = folding.rowDigits;
    const [n1 = 0, n2 = 0] = folding.columnDigits;
    const folded = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const row = Math.floor(i / m2) * n1 + Math.floor(j / n2);
        folded[row * m2 * n2 + (i % m2) * n2 + (j % n2)] = matrix[i * columns + j] as number;
      }
    }
    const { s } = thinSvd(folded, m1 * n1, m2 * n2);
    for (const bound of [1, 3, 7]) {
      const error = squares(
        matrixOf(await tensorTrain(matrix, folding, bound)).map((value, at) => value - matrix[at]!),
      );
      expect(error).toBeCloseTo(squares(s.subarray(bound)), 3);
    }
  });

  it('has an error of at most the truncation errors of its unfoldings together, for three cores (Oseledets 2011, theorem 2.2)', async () => {
    const [rows, columns] = [27, 64];
    const matrix = gaussian(rows * columns);
    const folding = foldingOf(rows, columns, 3);
    const folded = new Float64Array(rows * columns);
    for (let at = 0; at < folded.length; at++) {
      const [i, j] = [Math.floor(at / columns), at % columns];
      const digits = [9, 3, 1].map((place) => Math.floor(i / place) % 3);
      const others = [16, 4, 1].map((place) => Math.floor(j / place) % 4);
      const index = digits.reduce((all, digit, k) => all * 12 + digit * 4 + (others[k] as number), 0);
      folded[index] = matrix[at] as number;
    }
    const unfoldings = [thinSvd(folded, 12, 144), thinSvd(folded, 144, 12)];
    let last = Infinity;
    for (const bound of [1, 2, 5, 9]) {
      const train = await tensorTrain(matrix, folding, bound);
      const error = squares(matrixOf(train).map((value, at) => value - matrix[at]!));
      const tails = unfoldings.map(({ s }) => squares(s.subarray(bound)));
      expect(error).toBeLessThanOrEqual((tails[0] as number) + (tails[1] as number));
      expect(error).toBeGreaterThanOrEqual(Math.max(...tails));
      expect(error).toBeLessThan(last);
      last = error;
    }
  });
});

describe('rankBoundFor', () => {
  it('is the largest bound within the share', () => {
    const folding = foldingOf(64, 172, 2);
    for (const keep of [0.1, 0.5, 0.9]) {
      const bound = rankBoundFor(folding, keep) as number;
      const taken = (ranks: number) => coreElements(folding, boundedRanks(folding, ranks)) / (64 * 172);
      expect(taken(bound)).toBeLessThanOrEqual(keep);
      expect(taken(bound + 1)).toBeGreaterThan(keep);
    }
    expect(rankBoundFor(foldingOf(4, 4, 2), 0.1)).toBeUndefined();
  });
});

describe('cores in a graph', () => {
  const shapes = [
    { rows: 24, columns: 36, cores: 2 },
    { rows: 24, columns: 30, cores: 3 },
    { rows: 17, columns: 13, cores: 3 },
  ];

  async function run(
    train: TensorTrain,
    write: (w: GraphWriter, values: CoreValues) => string,
    x: Float32Array | BigInt64Array,
  ) {
    const b = createGraphBuilder({ name: 'cores', opset: 21 });
    const dims = x instanceof BigInt64Array ? [2, 3] : [2, 3, x.length / 6];
    b.input('x', x instanceof BigInt64Array ? 'int64' : 'float32', dims);
    b.output(b.identity('x', { name: 'unused' }), { dtype: x instanceof BigInt64Array ? 'int64' : 'float32', dims });
    const w = extendModel(b.build(), 'train/');
    const y = write(w, writeCores(w, 'weight', train));
    const model = w.finish({
      outputs: [{ name: y, type: { kind: 'tensor', dtype: 'float32', dims: ['a', 'b', 'c'] } }],
    });
    const session = await createSession(model, { threads: 1 });
    const feed = x instanceof BigInt64Array ? tensorOf('int64', dims, x) : tensorOf('float32', dims, x);
    const { [y]: result } = await session.run({ x: feed });
    await session.release();
    return { dims: result?.dims, values: elements(result as never, 'float32') };
  }

  it.each(shapes)(
    'multiply, look up and multiply out: $rows × $columns in $cores',
    async ({ rows, columns, cores }) => {
      const train = await tensorTrain(gaussian(rows * columns), foldingOf(rows, columns, cores), 4);
      const matrix = matrixOf(train);
      const times = (x: Float32Array, inner: number, outer: number, at: (i: number, o: number) => number) =>
        Float32Array.from({ length: 6 * outer }, (_, index) => {
          const [token, o] = [Math.floor(index / outer), index % outer];
          let sum = 0;
          for (let i = 0; i < inner; i++) sum += (x[token * inner + i] as number) * at(i, o);
          return sum;
        });
      const x = gaussian(6 * rows);
      const product = times(x, rows, columns, (i, o) => matrix[i * columns + o] as number);
      const whole = await run(train, (w, values) => timesCores(w, 'x', values), x);
      expect(whole.dims).toEqual([2, 3, columns]);
      expect(largestDifference(whole.values, product)).toBeLessThan(1e-4);
      const outside = await run(train, (w, values) => w.matmul('x', multipliedOut(w, values)), x);
      expect(largestDifference(outside.values, product)).toBeLessThan(1e-4);

      const y = gaussian(6 * columns);
      const turned = await run(train, (w, values) => timesCores(w, 'x', transposedCores(w, values)), y);
      const expected = times(y, columns, rows, (i, o) => matrix[o * columns + i] as number);
      expect(largestDifference(turned.values, expected)).toBeLessThan(1e-4);

      const ids = [0, rows - 1, 5, 11, 3, 16];
      const found = await run(train, (w, values) => rowsFromCores(w, 'x', values), BigInt64Array.from(ids, BigInt));
      expect(found.dims).toEqual([2, 3, columns]);
      const looked = ids.flatMap((id) => [...matrix.subarray(id * columns, (id + 1) * columns)]);
      expect(largestDifference(found.values, looked)).toBeLessThan(1e-5);
    },
  );
});
