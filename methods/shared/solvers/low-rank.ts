/** A linear layer as the product of two thinner ones: x W ≈ (x A) B, two MatMuls in place of one. */
import * as v from 'valibot';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { addInitializers, removeDeadCode, replaceNode, withGraph } from '../../../numerics/onnx/edit.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { matmul, thinSvd } from '../../../engine/runtime/linear-algebra.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import type { ThinSvd } from '../../../numerics/tensor/thin-svd.ts';

export const keepParameter = v.pipe(
  v.number(),
  v.gtValue(0),
  v.maxValue(1),
  v.description('Share of the parameters of each linear layer that its two factors may take.'),
);

export const keepVariants = {
  p90: { keep: 0.9 },
  p75: { keep: 0.75 },
  p60: { keep: 0.6 },
  p50: { keep: 0.5 },
  p40: { keep: 0.4 },
  p25: { keep: 0.25 },
} as const;

type Shape = Pick<LinearRole, 'inFeatures' | 'outFeatures'>;

export interface Factors {
  readonly rank: number;
  /** A: [in, rank] */
  readonly down: Float32Array;
  /** B: [rank, out] */
  readonly up: Float32Array;
}

/**
 * The largest rank whose factors take at most `keep` of the layer's parameters, r (in + out) ≤ keep · in · out; at
 * least 1.
 * Undefined where the factors would not be smaller than the layer.
 */
export function rankFor({ inFeatures, outFeatures }: Shape, keep: number): number | undefined {
  const dense = inFeatures * outFeatures;
  const perRank = inFeatures + outFeatures;
  // The product of a decimal share and a whole number can be slightly too small because of floating-point rounding.
  const rank = Math.max(1, Math.floor((keep * dense) / perRank + 1e-9));
  return rank * perRank < dense ? rank : undefined;
}

/** The first `rank` terms of u diag(s) vt, u: [in, n], vt: [n, out]; each factor gets the square root of s. */
export function factorsOf({ u, s, vt }: ThinSvd, { inFeatures, outFeatures }: Shape, rank: number): Factors {
  const terms = s.length;
  const down = new Float32Array(inFeatures * rank);
  const up = new Float32Array(rank * outFeatures);
  for (let r = 0; r < rank; r++) {
    const root = Math.sqrt(s[r]!);
    for (let i = 0; i < inFeatures; i++) down[i * rank + r] = u[i * terms + r]! * root;
    for (let o = 0; o < outFeatures; o++) up[r * outFeatures + o] = vt[r * outFeatures + o]! * root;
  }
  return { rank, down, up };
}

/** weight: [in, out] → the factors of the nearest matrix of this rank. */
export async function truncate(weight: Float32Array, shape: Shape, rank: number): Promise<Factors> {
  return factorsOf(await thinSvd(Float64Array.from(weight), shape.inFeatures, shape.outFeatures), shape, rank);
}

/**
 * D⁻¹ U, S and Vᵀ of the singular value decomposition of D W, D = diag(scales): its first r terms are the matrix of
 * rank r nearest to W when the rows of the difference are weighted by `scales`. weight: [in, out], scales: [in],
 * positive.
 */
export async function scaledSvd(weight: Float32Array, shape: Shape, scales: Float64Array): Promise<ThinSvd> {
  const { inFeatures, outFeatures } = shape;
  const scaled = Float64Array.from(weight, (value, at) => value * scales[Math.floor(at / outFeatures)]!);
  const { u, s, vt } = await thinSvd(scaled, inFeatures, outFeatures);
  return { u: u.map((value, at) => value / scales[Math.floor(at / s.length)]!), s, vt };
}

/** The product of the factors, [in, out]. */
export function productOf({ rank, down, up }: Factors, { inFeatures, outFeatures }: Shape): Promise<Float32Array> {
  return matmul({ left: down, right: up, rows: inFeatures, inner: rank, columns: outFeatures });
}

/** The initializers that hold the factors of a linear layer: A and B. */
export function factorNames({ weight }: Pick<LinearRole, 'weight'>): readonly [down: string, up: string] {
  return [`${weight}.down`, `${weight}.up`];
}

export interface FactoredLinear {
  readonly linear: LinearRole;
  readonly factors: Factors;
  /** Name of the initializer of A where several layers share one; the first of these layers provides its values. */
  readonly basis?: string;
}

/** The model with each of these linear layers computed by its two factors; the float32 weights are removed. */
export function withFactors(model: Model, layers: Iterable<FactoredLinear>): Model {
  let graph = model.onnx.graph;
  for (const { linear, factors, basis } of layers) {
    const { node, input, output, inFeatures, outFeatures } = linear;
    const [own, up] = factorNames(linear);
    const down = basis ?? own;
    graph = addInitializers(graph, {
      ...(!graph.initializers.has(down) && {
        [down]: tensorOf('float32', [inFeatures, factors.rank], factors.down),
      }),
      [up]: tensorOf('float32', [factors.rank, outFeatures], factors.up),
    });
    const narrow = `${output}.rank${factors.rank}`;
    graph = replaceNode(graph, node, [
      createNode({ op: 'MatMul', name: `${node}.down`, inputs: [input, down], outputs: [narrow] }),
      createNode({ op: 'MatMul', name: node, inputs: [narrow, up], outputs: [output] }),
    ]);
  }
  return model.withOnnx(withGraph(model.onnx, removeDeadCode(graph)));
}

/** The remark for a row about layers that stay dense, or undefined. */
export function denseRemark(dense: readonly LinearRole[]): string | undefined {
  if (dense.length === 0) return undefined;
  const roles = dense.map(({ role }) => role).join(', ');
  return `left dense, since even rank 1 is not smaller: ${roles}`;
}
