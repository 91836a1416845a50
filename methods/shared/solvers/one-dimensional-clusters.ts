/**
 * Weighted k-means of numbers, solved exactly: clusters are runs of the sorted values, and the best division into runs
 * is found by dynamic programming. Wang & Song 2011 (Ckmeans.1d.dp), https://doi.org/10.32614/RJ-2011-015, in O(k n log
 * n): the best start of the last run does not move back when values are added.
 */
export interface ClusterProblem {
  readonly values: Float64Array;
  /** Weight of the squared distance of each value; not negative. Where all are 0, values count equally. */
  readonly weights: Float64Array;
  readonly clusters: number;
}

/** The centres, ascending, [clusters]; where there are fewer distinct values, the last centre is repeated. */
export function clusterCentres({ values, weights, clusters }: ClusterProblem): Float64Array {
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!);
  const alike = weights.every((weight) => weight === 0);
  const count = order.length;
  // Prefix sums over the sorted values, relative to their mean to avoid cancellation in squares.
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, count);
  const sums = {
    weight: new Float64Array(count + 1),
    first: new Float64Array(count + 1),
    second: new Float64Array(count + 1),
  };
  order.forEach((at, i) => {
    const [x, w] = [values[at]! - mean, alike ? 1 : weights[at]!];
    sums.weight[i + 1] = sums.weight[i]! + w;
    sums.first[i + 1] = sums.first[i]! + w * x;
    sums.second[i + 1] = sums.second[i]! + w * x * x;
  });
  /** Σ w (x - centre)² of the sorted values [from, to). */
  const cost = (from: number, to: number) => {
    const weight = sums.weight[to]! - sums.weight[from]!;
    if (weight <= 0) return 0;
    return Math.max(0, sums.second[to]! - sums.second[from]! - (sums.first[to]! - sums.first[from]!) ** 2 / weight);
  };
  const starts = bestStarts(cost, count, Math.min(clusters, count));
  const centres = new Float64Array(clusters);
  let to = count;
  for (let cluster = starts.length - 1; cluster >= 0; cluster--) {
    const from = starts[cluster]![to]!;
    const weight = sums.weight[to]! - sums.weight[from]!;
    const plain = (values[order[from]!]! + values[order[to - 1]!]!) / 2;
    centres[cluster] = weight > 0 ? mean + (sums.first[to]! - sums.first[from]!) / weight : plain;
    to = from;
  }
  return centres.fill(centres[starts.length - 1] ?? 0, starts.length);
}

/** By cluster: the start of its run, for each end of the run, in the best division so far. */
function bestStarts(
  cost: (from: number, to: number) => number,
  count: number,
  clusters: number,
): readonly Int32Array[] {
  let least = Float64Array.from({ length: count + 1 }, (_, to) => cost(0, to));
  const starts = [new Int32Array(count + 1)];
  for (let cluster = 1; cluster < clusters; cluster++) {
    const before = least;
    const next = new Float64Array(count + 1).fill(Infinity);
    const start = new Int32Array(count + 1);
    /** Solves for ends [low, high], whose best starts lie in [from, to]. */
    const fill = (low: number, high: number, from: number, to: number): void => {
      if (low > high) return;
      const end = (low + high) >> 1;
      for (let at = Math.max(from, cluster); at <= Math.min(to, end - 1); at++) {
        const total = before[at]! + cost(at, end);
        if (total < next[end]!) {
          next[end] = total;
          start[end] = at;
        }
      }
      fill(low, end - 1, from, start[end]!);
      fill(end + 1, high, start[end]!, to);
    };
    // Every cluster gets at least one value.
    fill(cluster + 1, count, cluster, count - 1);
    least = next;
    starts.push(start);
  }
  return starts;
}
