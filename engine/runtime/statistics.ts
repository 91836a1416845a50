/** Statistics of values over all positions, computed inside the graph so that no activation is copied to JavaScript. */
import { InputError } from '../../contracts/errors.ts';
import { int } from '../../numerics/onnx/attributes.ts';
import { addInitializers, removeDeadCode } from '../../numerics/onnx/edit.ts';
import type { Graph, Node, ValueInfo } from '../../numerics/onnx/graph.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import { elements, type NumericTensor, tensorOf } from '../../numerics/tensor/tensor.ts';

export const STATISTIC_KINDS = ['second-moment', 'sum', 'square-sum', 'absolute-sum', 'absolute-maximum'] as const;
/**
 * For x [positions, features]: xᵀ x [features, features]; per feature the sum, the sum of squares, the sum of absolute
 * values and the largest absolute value, [features].
 */
export type StatisticKind = (typeof STATISTIC_KINDS)[number];

/** A value [..., features] of the graph. */
export interface ObservedValue {
  readonly value: string;
  readonly features: number;
}

/** The subgraph whose outputs are these statistics. */
export function statisticsGraph(
  graph: Graph,
  values: readonly ObservedValue[],
  kinds: readonly StatisticKind[],
): Graph {
  const nodes: Node[] = [];
  const outputs: ValueInfo[] = [];
  const firstAxis = 'statistics/axis';
  let observed = addInitializers(graph, { [firstAxis]: tensorOf('int64', [1], BigInt64Array.of(0n)) });
  for (const { value, features } of values) {
    const shape = `${value}/statistics/shape`;
    const rows = `${value}/statistics/rows`; // [positions, features]
    observed = addInitializers(observed, { [shape]: tensorOf('int64', [2], BigInt64Array.of(-1n, BigInt(features))) });
    nodes.push(createNode({ op: 'Reshape', name: rows, inputs: [value, shape], outputs: [rows] }));
    for (const kind of kinds) {
      const output = statisticName(value, kind);
      nodes.push(...statisticNodes(kind, { rows, output, firstAxis }));
      const dims = kind === 'second-moment' ? [features, features] : [features];
      outputs.push({ name: output, type: { kind: 'tensor', dtype: 'float32', dims } });
    }
  }
  return removeDeadCode({ ...observed, nodes: [...observed.nodes, ...nodes], outputs });
}

function statisticNodes(
  kind: StatisticKind,
  { rows, output, firstAxis }: { readonly rows: string; readonly output: string; readonly firstAxis: string },
): Node[] {
  const node = (
    op: string,
    inputs: readonly string[],
    name: string,
    attributes: Parameters<typeof createNode>[0]['attributes'],
  ) => createNode({ op, name, inputs, outputs: [name], ...(attributes && { attributes }) });
  switch (kind) {
    case 'second-moment':
      return [node('Gemm', [rows, rows], output, { transA: int(1) })];
    case 'sum':
      return [node('ReduceSum', [rows, firstAxis], output, { keepdims: int(0) })];
    case 'square-sum':
      return [node('ReduceSumSquare', [rows, firstAxis], output, { keepdims: int(0) })];
    case 'absolute-sum':
      return [node('ReduceL1', [rows, firstAxis], output, { keepdims: int(0) })];
    case 'absolute-maximum': {
      const absolute = `${output}/absolute`;
      return [
        node('Abs', [rows], absolute, undefined),
        node('ReduceMax', [absolute, firstAxis], output, { keepdims: int(0) }),
      ];
    }
  }
}

function statisticName(value: string, kind: StatisticKind): string {
  return `${value}/statistics/${kind}`;
}

export interface ValueStatistics {
  readonly features: number;
  /**
   * float64; second moments [features, features], the others [features]. Throws InputError for a kind that was not
   * requested.
   */
  of(kind: StatisticKind): Float64Array;
}

export interface StatisticsCollector {
  /** Adds the results of one run of the graph. */
  add(outputs: Readonly<Record<string, NumericTensor>>): void;
  /** By value name. */
  result(): ReadonlyMap<string, ValueStatistics>;
}

/** Sums statistics over runs, in float64. */
export function createStatisticsCollector(
  values: readonly ObservedValue[],
  kinds: readonly StatisticKind[],
): StatisticsCollector {
  const sums = new Map<string, Float64Array>();
  for (const { value, features } of values) {
    for (const kind of kinds) {
      const length = kind === 'second-moment' ? features * features : features;
      sums.set(statisticName(value, kind), new Float64Array(length));
    }
  }
  return {
    add(outputs) {
      for (const { value, features } of values) {
        for (const kind of kinds) {
          const name = statisticName(value, kind);
          const sum = sums.get(name)!;
          const part = elements(outputs[name]!, 'float32');
          if (kind === 'second-moment') addLowerTriangle(sum, part, features);
          else if (kind === 'absolute-maximum') part.forEach((x, i) => (sum[i] = Math.max(sum[i]!, x)));
          else addElements(sum, part);
        }
      }
    },
    result() {
      const statistics = values.map(({ value, features }): [string, ValueStatistics] => {
        const second = sums.get(statisticName(value, 'second-moment'));
        if (second) mirrorLowerTriangle(second, features);
        return [
          value,
          {
            features,
            of(kind) {
              const sum = sums.get(statisticName(value, kind));
              if (sum) return sum;
              throw new InputError(`${kind} of "${value}" was not observed; observed: ${kinds.join(', ')}`);
            },
          },
        ];
      });
      return new Map(statistics);
    },
  };
}

/** sum += part on and below the diagonal: the other half is filled in once at the end, which saves memory traffic. */
export function addLowerTriangle(sum: Float64Array, part: Float32Array, size: number): void {
  for (let row = 0; row < size; row++) {
    const end = row * size + row;
    for (let i = row * size; i <= end; i++) sum[i]! += part[i]!;
  }
}

/** Adds each element of `part` to the corresponding one of `sum`. */
export function addElements(sum: Float64Array, part: Float32Array | Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += part[i]!;
}

export function mirrorLowerTriangle(matrix: Float64Array, size: number): void {
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < row; column++) matrix[column * size + row] = matrix[row * size + column]!;
  }
}
