/** The nodes and initializers that a change of the residual stream's basis writes. */
import type { Node } from '../../../numerics/onnx/graph.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { multiply, transpose } from '../../../numerics/tensor/linear-algebra.ts';
import { type Tensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import type { StreamNorm } from './pre-norm-stream.ts';

/** Orthonormal columns. */
export interface Basis {
  /** Features of the stream in this basis. */
  readonly features: number;
  /** Q, [width, features] */
  readonly matrix: Float64Array;
}

/** A graph being edited. */
export interface Draft {
  readonly width: number;
  readonly initializers: Map<string, Tensor>;
  /** By name. */
  readonly nodes: Map<string, Node>;
}

export function store({ initializers }: Draft, name: string, dims: readonly number[], values: ArrayLike<number>): void {
  initializers.set(name, tensorOf('float32', dims, Float32Array.from(values)));
}

export function place({ nodes }: Draft, op: string, output: string, inputs: readonly string[], name = output): void {
  nodes.set(name, createNode({ op, name, inputs, outputs: [output] }));
}

/** Rows [rows, width] that are written to the stream, in a basis and centred first where its norms do so: [rows, features]. */
export function written(values: ArrayLike<number>, { centres }: StreamNorm, { features, matrix }: Basis): Float64Array {
  const width = matrix.length / features;
  const rows = values.length / width;
  const left = Float64Array.from(values);
  for (let row = 0; row < (centres ? rows : 0); row++) {
    const own = left.subarray(row * width, (row + 1) * width);
    const mean = own.reduce((sum, value) => sum + value, 0) / width;
    own.forEach((value, i) => (own[i] = value - mean));
  }
  return multiply({ left, right: matrix, rows, inner: width, columns: features });
}

/** Qᵀ diag(γ), [features, width] */
export function unturned({ matrix, features }: Basis, { scale }: StreamNorm): Float64Array {
  const scaled = matrix.map((value, at) => value * scale[Math.floor(at / features)]!);
  return transpose(scaled, scale.length, features);
}

/** `output` = y / √(|y|² / width + ε) of `value`, y. */
export function placeNorm(
  draft: Draft,
  {
    value,
    output,
    norm,
    features,
  }: { readonly value: string; readonly output: string; readonly norm: StreamNorm; readonly features: number },
): void {
  const part = (name: string): string => `${output}.${name}`;
  const constant = (name: string, of: number): string => {
    store(draft, name, [], [of]);
    return name;
  };
  const axes = 'stream.last_axis';
  draft.initializers.set(axes, tensorOf('int64', [1], BigInt64Array.of(-1n)));
  place(draft, 'Mul', part('square'), [value, value]);
  place(draft, 'ReduceMean', part('mean_square'), [part('square'), axes]);
  let mean = part('mean_square');
  if (features !== draft.width) {
    mean = part('share');
    const share = constant(`stream.share.${features}`, features / draft.width);
    place(draft, 'Mul', mean, [part('mean_square'), share]);
  }
  place(draft, 'Add', part('positive'), [mean, constant(`stream.epsilon.${norm.epsilon}`, norm.epsilon)]);
  place(draft, 'Sqrt', part('root_mean_square'), [part('positive')]);
  place(draft, 'Div', output, [value, part('root_mean_square')]);
}

/** The first columns of an orthogonal matrix [width, width]. */
export function leadingFeatures(matrix: Float64Array, width: number, features: number): Basis {
  const columns = new Float64Array(width * features);
  for (let row = 0; row < width; row++)
    columns.set(matrix.subarray(row * width, row * width + features), row * features);
  return { features, matrix: columns };
}
