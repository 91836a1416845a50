/**
 * Narrow blocks: the residual stream keeps its width W, and each block runs at n < W features between a projection in
 * and one out.
 * Sun et al. 2020 (MobileBERT), https://arxiv.org/abs/2004.02984, section 3.1. For input x of a block F:
 *   h = x P,   y = x + (F_n(h) − h) Q       norms before sublayers: F_n(h) − h is what the sublayers add
 *   h = x P,   y = norm(x + F_n(h) Q)       norms after sublayers, as in MobileBERT
 * The narrow block is initialized with the wide one projected by U, the n orthonormal directions [W, n] in which the
 * stream is largest: P = U, Q = Uᵀ, matrices that read the stream become Uᵀ W, those that write to it W U. A norm over
 * n features scales its input √(n / W) times as much as the wide norm; the matrices after it undo this factor.
 */
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { LayerRoles, LinearRole, Model } from '../../../engine/definitions/model.ts';
import { addInitializers, redirectValue, removeDeadCode, withGraph } from '../../../numerics/onnx/edit.ts';
import type { Graph, Node } from '../../../numerics/onnx/graph.ts';
import { producers } from '../../../numerics/onnx/names.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { sortNodes } from '../../../engine/training/graph-writer.ts';
import { biasOf, restructured, withFloats } from './structure.ts';

/** U of each layer, [width, narrow], orthonormal columns. */
export interface Directions {
  readonly narrow: number;
  readonly bases: readonly Float64Array[];
}

export function withBottlenecks(model: Model, { narrow, bases }: Directions): Model {
  let { graph } = model.onnx;
  const layers = model.roles.layers.map((layer, index) => {
    const made = narrowLayer(graph, { model, layer, narrow, basis: bases[index]! });
    graph = made.graph;
    return made.layer;
  });
  const nodes = sortNodes(graph.nodes);
  return restructured(model, withGraph(model.onnx, removeDeadCode({ ...graph, nodes })), layers);
}

interface Narrowing {
  readonly model: Model;
  readonly layer: LayerRoles;
  readonly narrow: number;
  /** U, [width, narrow] */
  readonly basis: Float64Array;
}

interface NarrowLayer {
  readonly graph: Graph;
  readonly layer: LayerRoles;
}

function narrowLayer(before: Graph, { model, layer, narrow, basis }: Narrowing): NarrowLayer {
  const { width } = model.roles;
  const gain = Math.sqrt(width / narrow);
  const normsBefore = layer.q.input !== layer.input;
  const made = producers(model.onnx.graph);
  const norm = (value: string) => normOf(model, made.get(value));
  const attention = norm(normsBefore ? layer.q.input : layer.up.input);
  const feedForward = norm(normsBefore ? layer.up.input : layer.output);
  let graph = before;

  /** A matrix that reads the stream: Uᵀ W, and after a norm √(width / narrow) Uᵀ diag(γ) W, β W. */
  const reading = (linear: LinearRole, { scale, shift }: Partial<Norm>): LinearRole => {
    const { outFeatures } = linear;
    const weight = model.weight(linear);
    const seen = new Float32Array(narrow * outFeatures);
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < narrow; j++) {
        const factor = basis[i * narrow + j]! * (scale === undefined ? 1 : gain * scale[i]!);
        for (let out = 0; out < outFeatures; out++)
          seen[j * outFeatures + out]! += factor * weight[i * outFeatures + out]!;
      }
    }
    graph = withFloats(graph, linear.weight, [narrow, outFeatures], seen);
    if (shift !== undefined) {
      const bias = biasOf(model, linear).slice();
      for (let i = 0; i < width; i++)
        for (let out = 0; out < outFeatures; out++) bias[out]! += shift[i]! * weight[i * outFeatures + out]!;
      graph = withFloats(graph, linear.bias as string, [outFeatures], bias);
    }
    return { ...linear, inFeatures: narrow };
  };
  /** A matrix that writes to the stream: W U, and its bias. */
  const writing = (linear: LinearRole): LinearRole => {
    const weight = timesBasis(model.weight(linear), basis, narrow);
    graph = withFloats(graph, linear.weight, [linear.inFeatures, narrow], weight);
    if (linear.bias !== undefined)
      graph = withFloats(graph, linear.bias, [narrow], timesBasis(biasOf(model, linear), basis, narrow));
    return { ...linear, outFeatures: narrow };
  };

  const [heard, fed] = normsBefore ? [attention, feedForward] : [{}, {}];
  const roles: LayerRoles = {
    ...layer,
    q: reading(layer.q, heard),
    k: reading(layer.k, heard),
    v: reading(layer.v, heard),
    o: writing(layer.o),
    ...(layer.gate && { gate: reading(layer.gate, fed) }),
    up: reading(layer.up, fed),
    down: writing(layer.down),
  };
  for (const each of [attention, feedForward]) {
    const [scale, shift] = narrowNorm(each, { basis, narrow, gain, folded: normsBefore });
    graph = withFloats(graph, each.scaleName, [narrow], scale);
    if (each.shiftName !== undefined) graph = withFloats(graph, each.shiftName, [narrow], shift);
  }
  const wired = wire(graph, { layer, width, narrow, basis, ...(normsBefore ? {} : { norm: feedForward }) });
  if (normsBefore) return { graph: wired.graph, layer: roles };
  const { q, k, v } = roles;
  const inside = (linear: LinearRole): LinearRole => ({ ...linear, input: wired.inside });
  return { graph: wired.graph, layer: { ...roles, q: inside(q), k: inside(k), v: inside(v) } };
}

interface Norm {
  readonly node: Node;
  readonly scaleName: string;
  readonly shiftName?: string;
  /** γ and β, [width] */
  readonly scale: Float32Array;
  readonly shift?: Float32Array;
}

/** The parameters of the last node of a norm: LayerNormalization, or the Mul after a root mean square. */
function normOf({ id, roles, onnx }: Model, node: Node | undefined): Norm {
  const held = (name: string): Float32Array | undefined => {
    const tensor = onnx.graph.initializers.get(name);
    return tensor?.dims.length === 1 && tensor.dims[0] === roles.width ? elements(tensor, 'float32') : undefined;
  };
  const [scaleName, shiftName] = node?.inputs.filter((name) => held(name) !== undefined) ?? [];
  const scale = scaleName === undefined ? undefined : held(scaleName);
  if (
    node === undefined ||
    scaleName === undefined ||
    scale === undefined ||
    (node.op !== 'LayerNormalization' && node.op !== 'Mul')
  ) {
    throw new UnsupportedError(
      `${id}: expected a norm before or after each sublayer, found ${node?.op ?? 'nothing'} "${node?.name ?? ''}"; ` +
        'only blocks with LayerNormalization or RMSNorm can be made narrow',
    );
  }
  const shift = shiftName === undefined ? undefined : held(shiftName);
  return { node, scaleName, scale, ...(shiftName !== undefined && shift !== undefined && { shiftName, shift }) };
}

/**
 * γ and β of the narrow norm: 1 and 0 where the following matrices have absorbed them, otherwise those nearest to Uᵀ
 * diag(γ) U.
 */
function narrowNorm(
  { scale, shift = new Float32Array(scale.length) }: Norm,
  { basis, narrow, gain, folded }: { basis: Float64Array; narrow: number; gain: number; folded: boolean },
): readonly [scale: Float32Array, shift: Float32Array] {
  if (folded) return [new Float32Array(narrow).fill(1), new Float32Array(narrow)];
  const narrowScale = new Float32Array(narrow);
  for (let i = 0; i < scale.length; i++)
    for (let j = 0; j < narrow; j++) narrowScale[j]! += gain * basis[i * narrow + j]! ** 2 * scale[i]!;
  return [narrowScale, timesBasis(shift, basis, narrow)];
}

interface Wiring {
  readonly layer: LayerRoles;
  readonly width: number;
  readonly narrow: number;
  readonly basis: Float64Array;
  /** The norm to insert after the block. */
  readonly norm?: Norm;
}

/** Inserts the projections around a block. `inside` is the stream as the block reads it. */
function wire(before: Graph, { layer, width, narrow, basis, norm }: Wiring): { graph: Graph; inside: string } {
  const { input, output } = layer;
  const name = `${layer.q.role.slice(0, layer.q.role.lastIndexOf('.'))}.bottleneck`;
  const inside = `${name}.in`;
  const inner = `${output}.narrow`;
  const back = new Float32Array(narrow * width);
  for (let i = 0; i < width; i++) for (let j = 0; j < narrow; j++) back[j * width + i] = basis[i * narrow + j]!;
  const redirected = redirectValue(before, input, inside);
  const graph = addInitializers(redirected, {
    [`${name}.in.weight`]: tensorOf('float32', [width, narrow], Float32Array.from(basis)),
    [`${name}.out.weight`]: tensorOf('float32', [narrow, width], back),
    ...(norm && {
      [`${name}.norm.weight`]: tensorOf('float32', [width], norm.scale.slice()),
      [`${name}.norm.bias`]: tensorOf('float32', [width], (norm.shift ?? new Float32Array(width)).slice()),
    }),
  });
  const nodes = graph.nodes.map((node) =>
    node.outputs.includes(output)
      ? { ...node, outputs: node.outputs.map((each) => (each === output ? inner : each)) }
      : node,
  );
  const node = (op: string, part: string, inputs: readonly string[], made = `${name}.${part}`) =>
    createNode({ op, name: `${name}.${part}`, inputs, outputs: [made] });
  const added = [node('MatMul', 'in', [input, `${name}.in.weight`])];
  if (norm === undefined) {
    added.push(node('Sub', 'work', [inner, inside]));
    added.push(node('MatMul', 'out', [`${name}.work`, `${name}.out.weight`]));
    added.push(node('Add', 'sum', [input, `${name}.out`], output));
  } else {
    added.push(node('MatMul', 'out', [inner, `${name}.out.weight`]));
    added.push(node('Add', 'sum', [input, `${name}.out`]));
    const normed = [`${name}.sum`, `${name}.norm.weight`, `${name}.norm.bias`];
    added.push({ ...norm.node, name: `${name}.norm`, inputs: normed, outputs: [output] });
  }
  return { graph: { ...graph, nodes: [...nodes, ...added] }, inside };
}

/** [rows, width] U → [rows, narrow] */
function timesBasis(matrix: Float32Array, basis: Float64Array, narrow: number): Float32Array {
  const width = basis.length / narrow;
  const rows = matrix.length / width;
  const product = new Float32Array(rows * narrow);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < width; i++) {
      const value = matrix[row * width + i]!;
      for (let j = 0; j < narrow; j++) product[row * narrow + j]! += value * basis[i * narrow + j]!;
    }
  }
  return product;
}
