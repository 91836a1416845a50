/**
 * A matrix as a train of cores: W[i₁…i_d, j₁…j_d] = Σ G₁[1, i₁, j₁, α₁] G₂[α₁, i₂, j₂, α₂] … G_d[α_(d−1), i_d, j_d, 1].
 * Novikov et al. 2015, https://arxiv.org/abs/1509.06569, section 4; computed by the TT-SVD of Oseledets 2011,
 * https://doi.org/10.1137/090752286, Algorithm 1, with a common bound on all ranks instead of an accuracy.
 * Dimensions that have no even factors are padded with zeros, as Khrulkov et al. 2019 do with vocabularies
 * (https://arxiv.org/abs/1901.10787, section 4.1).
 */
import { thinSvd } from '../../../engine/runtime/linear-algebra.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import type { GraphWriter } from '../../../engine/training/graph-writer.ts';

/** How a matrix is folded into a tensor. */
export interface Folding {
  readonly rows: number;
  readonly columns: number;
  /** Factors of the two padded dimensions: their products are at least `rows` and `columns`. */
  readonly rowDigits: readonly number[];
  readonly columnDigits: readonly number[];
}

export interface TensorTrain extends Folding {
  /** r₀ = 1, r₁, …, r_d = 1 */
  readonly ranks: readonly number[];
  /** G_k: [r_(k−1), i_k, j_k, r_k] */
  readonly cores: readonly Float32Array[];
}

/** Largest ratio of the largest to the smallest factor of a dimension; beyond it the dimension is padded further. */
const EVEN = 2;

/** The factors of the smallest number from `size` on that has `count` nearly equal factors, ascending. */
export function evenDigits(size: number, count: number): readonly number[] {
  for (let padded = size; ; padded++) {
    const digits = splitEvenly(padded, count);
    if ((digits.at(-1) as number) <= EVEN * digits[0]!) return digits;
  }
}

function splitEvenly(size: number, count: number): readonly number[] {
  if (count === 1) return [size];
  let smallest = 1;
  for (let factor = 2; factor ** count <= size; factor++) if (size % factor === 0) smallest = factor;
  return [smallest, ...splitEvenly(size / smallest, count - 1)];
}

/** Pairs large factors of one dimension with small ones of the other, so that all cores have similar sizes. */
export function foldingOf(rows: number, columns: number, cores: number): Folding {
  return { rows, columns, rowDigits: evenDigits(rows, cores), columnDigits: [...evenDigits(columns, cores)].reverse() };
}

/** r_k = min(bound, the number of dimensions that the cores before or after it can span). */
export function boundedRanks({ rowDigits, columnDigits }: Folding, bound: number): readonly number[] {
  const sizes = rowDigits.map((digit, k) => digit * columnDigits[k]!);
  const product = (some: readonly number[]) => some.reduce((all, size) => all * size, 1);
  return [...sizes, 1].map((_, k) =>
    Math.min(k === 0 || k === sizes.length ? 1 : bound, product(sizes.slice(0, k)), product(sizes.slice(k))),
  );
}

export function coreElements({ rowDigits, columnDigits }: Folding, ranks: readonly number[]): number {
  return rowDigits.reduce((sum, digit, k) => sum + ranks[k]! * digit * columnDigits[k]! * ranks[k + 1]!, 0);
}

/**
 * The largest bound at which the cores take at most `keep` of the matrix; undefined where even bound 1 takes more, or
 * no bound saves anything.
 */
export function rankBoundFor(folding: Folding, keep: number): number | undefined {
  const dense = folding.rows * folding.columns;
  const fits = (bound: number) => {
    const taken = coreElements(folding, boundedRanks(folding, bound));
    return taken <= keep * dense && taken < dense;
  };
  if (!fits(1)) return undefined;
  let bound = 1;
  const full = Math.max(...boundedRanks(folding, Infinity));
  while (bound < full && fits(bound + 1)) bound++;
  return bound;
}

/** matrix: [rows, columns] → cores of ranks up to `bound`. Exact up to rounding errors where no rank is truncated. */
export async function tensorTrain(matrix: Float32Array, folding: Folding, bound: number): Promise<TensorTrain> {
  const { rowDigits, columnDigits } = folding;
  const sizes = rowDigits.map((digit, k) => digit * columnDigits[k]!);
  const ranks = boundedRanks(folding, bound);
  const cores: Float32Array[] = [];
  let rest = foldedTensor(matrix, folding);
  for (const [k, size] of sizes.slice(0, -1).entries()) {
    const rows = ranks[k]! * size;
    const columns = rest.length / rows;
    const { u, s, vt } = await thinSvd(rest, rows, columns);
    const rank = ranks[k + 1]!;
    cores.push(
      Float32Array.from({ length: rows * rank }, (_, at) => u[Math.floor(at / rank) * s.length + (at % rank)]!),
    );
    rest = vt.subarray(0, rank * columns).map((value, at) => value * s[Math.floor(at / columns)]!);
  }
  cores.push(Float32Array.from(rest));
  return { ...folding, ranks, cores };
}

/** [rows, columns] → [i₁ j₁, i₂ j₂, …], padded with zeros. */
function foldedTensor(matrix: Float32Array, { rows, columns, rowDigits, columnDigits }: Folding): Float64Array {
  const sizes = rowDigits.map((digit, k) => digit * columnDigits[k]!);
  const tensor = new Float64Array(sizes.reduce((all, size) => all * size, 1));
  const offsets = (count: number, digits: readonly number[], stride: (k: number) => number) => {
    return Array.from({ length: count }, (_, index) => {
      let offset = 0;
      let rest = index;
      for (let k = digits.length - 1; k >= 0; k--) {
        offset += (rest % digits[k]!) * stride(k);
        rest = Math.floor(rest / digits[k]!);
      }
      return offset;
    });
  };
  const after = (k: number) => sizes.slice(k + 1).reduce((all, size) => all * size, 1);
  const rowOffsets = offsets(rows, rowDigits, (k) => after(k) * columnDigits[k]!);
  const columnOffsets = offsets(columns, columnDigits, after);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) tensor[rowOffsets[i]! + columnOffsets[j]!] = matrix[i * columns + j]!;
  }
  return tensor;
}

/** Cores as values of a graph, [r_(k−1), i_k, j_k, r_k] each, and the matrix they represent. */
export interface CoreValues extends Folding {
  readonly ranks: readonly number[];
  readonly cores: readonly string[];
}

/** The cores as initializers `name.core.k`. */
export function writeCores(w: GraphWriter, name: string, train: TensorTrain): CoreValues {
  const { rowDigits, columnDigits, ranks } = train;
  const cores = train.cores.map((core, k) => {
    const dims = [ranks[k]!, rowDigits[k]!, columnDigits[k]!, ranks[k + 1]!];
    return w.initializer(`${name}.core.${k}`, tensorOf('float32', dims, core));
  });
  return { ...train, cores };
}

/** The cores of the transposed matrix. */
export function transposedCores(w: GraphWriter, values: CoreValues): CoreValues {
  const { rows, columns, rowDigits, columnDigits, ranks, cores } = values;
  return {
    rows: columns,
    columns: rows,
    rowDigits: columnDigits,
    columnDigits: rowDigits,
    ranks,
    cores: cores.map((core) => w.transpose(core, [0, 2, 1, 3])),
  };
}

/**
 * The matrix itself, [rows, columns], multiplied out in the graph: it depends on initializers alone, so it is computed
 * once, when the file is loaded.
 */
export function multipliedOut(
  w: GraphWriter,
  { rows, columns, rowDigits, columnDigits, ranks, cores }: CoreValues,
): string {
  let product = w.reshape(cores[0]!, [-1, ranks[1]!]);
  for (const [k, core] of cores.slice(1).entries()) {
    const next = w.matmul(product, w.reshape(core, [ranks[k + 1]!, -1]));
    product = w.reshape(next, [-1, ranks[k + 2]!]);
  }
  const count = cores.length;
  const apart = w.reshape(
    product,
    rowDigits.flatMap((digit, k) => [digit, columnDigits[k]!]),
  );
  const evens = Array.from({ length: count }, (_, k) => 2 * k);
  const sorted = w.transpose(apart, [...evens, ...evens.map((axis) => axis + 1)]);
  const [filledRows, filledColumns] = [rowDigits, columnDigits].map(productOf);
  const matrix = w.reshape(sorted, [filledRows as number, filledColumns as number]);
  if (filledRows === rows && filledColumns === columns) return matrix;
  return w.slice(matrix, { starts: [0, 0], ends: [rows, columns], axes: [0, 1] });
}

const productOf = (digits: readonly number[]): number => digits.reduce((all, digit) => all * digit, 1);

/**
 * x W, [batch, sequence, columns], for x [batch, sequence, rows], core by core, without forming the matrix. Each step
 * is one matrix product per token, [j_k r_k, r_(k−1) i_k] times the remaining dimensions of the token, and needs no
 * transposition.
 */
export function timesCores(w: GraphWriter, x: string, values: CoreValues): string {
  const { rows, columns, rowDigits, columnDigits, ranks, cores } = values;
  const filledRows = productOf(rowDigits);
  const filledColumns = productOf(columnDigits);
  let left = filledRows === rows ? x : w.node('Pad', [x, w.integers([0, filledRows - rows]), '', w.integers([-1])])[0]!;
  for (const [k, core] of cores.entries()) {
    const entering = ranks[k]! * rowDigits[k]!;
    const leaving = columnDigits[k]! * ranks[k + 1]!;
    if (k < cores.length - 1) {
      const rest = productOf(rowDigits.slice(k + 1));
      const turned = w.reshape(w.transpose(core, [2, 3, 0, 1]), [leaving, entering]);
      left = w.matmul(turned, w.reshape(left, [-1, entering, rest]));
    } else {
      left = w.matmul(w.reshape(left, [-1, entering]), w.reshape(core, [entering, leaving]));
    }
  }
  const shape = w.concat([w.shape(x, { end: -1 }), w.integers([filledColumns])], { axis: 0 });
  const whole = w.reshape(left, shape);
  return filledColumns === columns ? whole : w.slice(whole, { starts: [0], ends: [columns], axes: [-1] });
}

/**
 * Rows of the matrix by index, int64 [batch, sequence] → [batch, sequence, columns]: a slice of each core, multiplied.
 */
export function rowsFromCores(w: GraphWriter, ids: string, values: CoreValues): string {
  const { columns, rowDigits, columnDigits, ranks, cores } = values;
  let row = '';
  for (const [k, core] of cores.entries()) {
    const [before, after, own] = [ranks[k], ranks[k + 1], columnDigits[k]] as [number, number, number];
    const place = productOf(rowDigits.slice(k + 1));
    const shifted = place === 1 ? ids : w.div(ids, w.integers([place]));
    const digit = k === 0 ? shifted : w.mod(shifted, w.integers([rowDigits[k]!]));
    const table = w.reshape(w.transpose(core, [1, 0, 2, 3]), [rowDigits[k]!, before * own * after]);
    const slice = w.reshape(w.gather(table, digit), [0, 0, before, own * after]);
    row = w.reshape(k === 0 ? slice : w.matmul(row, slice), [0, 0, productOf(columnDigits.slice(0, k + 1)), after]);
  }
  const filled = productOf(columnDigits);
  const whole = w.reshape(row, [0, 0, filled]);
  return filled === columns ? whole : w.slice(whole, { starts: [0], ends: [columns], axes: [-1] });
}
