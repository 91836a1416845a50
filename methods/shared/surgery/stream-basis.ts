/**
 * Another basis for the residual stream of a decoder. Segment s of the stream, x, becomes y = x Q_s:
 *   norms                   y / √(|y|² / width + ε); the matrices that read them take over γ and β
 *   matrices that read      Q_sᵀ diag(γ) W,   b + β W
 *   matrices that write     W Q_{s+1},   b Q_{s+1}
 *   the sum after them      y Q_sᵀ Q_{s+1} + …, a multiplication of its own where Q_s and Q_{s+1} differ
 * With orthogonal Q_s the model computes the same function; with fewer columns it is sliced. Ashkboos et al. 2024 (SliceGPT),
 * https://arxiv.org/abs/2401.15024, section 3. LayerNormalization is a root mean square norm of centred features, so
 * whatever is written to the stream is centred beforehand.
 * Where the output layer is the transposed embedding, the logits need the features of the table: if it is neither sliced
 * nor centred, it takes over Q_0 and a matrix Qᵀ diag(γ) Q_0 stands before the logits; otherwise the table stays, and a
 * matrix stands at either end of the stream.
 */
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { createModel } from '../../../engine/model/model.ts';
import { sortNodes } from '../../../engine/training/graph-writer.ts';
import { removeDeadCode, withGraph } from '../../../numerics/onnx/edit.ts';
import { producers } from '../../../numerics/onnx/names.ts';
import { multiply, transpose } from '../../../numerics/tensor/linear-algebra.ts';
import { elements } from '../../../numerics/tensor/tensor.ts';
import { segmentsOf, type StreamNorm } from './pre-norm-stream.ts';
import { type Basis, type Draft, place, placeNorm, store, unturned, written } from './stream-draft.ts';
import { biasOf, mapLinears } from './structure.ts';

/**
 * `bases`: one for each of segmentsOf(model); between two segments of the same object the sum needs no multiplication.
 * Throws UnsupportedError where the stream is built otherwise.
 */
export function withStreamBases(model: Model, bases: readonly Basis[]): Model {
  const segments = segmentsOf(model);
  const { roles, onnx } = model;
  const { width } = roles;
  const makers = producers(onnx.graph);
  const initializers = new Map(onnx.graph.initializers);
  const draft: Draft = { width, initializers, nodes: new Map(onnx.graph.nodes.map((node) => [node.name, node])) };
  const changed = new Map<string, LinearRole>();
  const [first, start] = [bases[0]!, segments[0]!];
  const tables = tablesOf(model, start.value);
  const folds = tables !== undefined && (roles.head !== undefined || (first.features === width && !start.norm.centres));
  if (folds) {
    for (const name of tables) {
      const table = elements(onnx.graph.initializers.get(name)!, 'float32');
      store(draft, name, [table.length / width, first.features], written(table, start.norm, first));
    }
  } else enter(draft, { value: start.value, norm: start.norm, basis: first });

  for (const [s, { value, norm, readers, writer }] of segments.entries()) {
    const [basis, next] = [bases[s]!, bases[s + 1]];
    const { features } = basis;
    draft.nodes.delete(makers.get(norm.output)!.name);
    for (const linear of readers) changed.set(linear.role, read(draft, model, { linear, norm, basis }));
    if (readers.length > 0) placeNorm(draft, { value, output: norm.output, norm, features });
    else leave(draft, { value, norm, basis, ...(folds && { table: first }) });
    if (writer === undefined || next === undefined) continue;
    const { linear, add } = writer;
    store(draft, linear.weight, [linear.inFeatures, next.features], written(model.weight(linear), norm, next));
    if (linear.bias !== undefined)
      store(draft, linear.bias, [next.features], written(biasOf(model, linear), norm, next));
    changed.set(linear.role, { ...linear, outFeatures: next.features });
    if (basis !== next) turn(draft, { value, add, basis, next });
  }
  const graph = { ...onnx.graph, initializers, nodes: sortNodes([...draft.nodes.values()]) };
  const layers = roles.layers.map((layer) => mapLinears(layer, (linear) => changed.get(linear.role) ?? linear));
  const head = roles.head && (changed.get(roles.head.role) ?? roles.head);
  return createModel({
    ...model,
    onnx: withGraph(onnx, removeDeadCode(graph)),
    roles: { ...roles, width: first.features, layers, ...(head && { head }) },
  });
}

/**
 * The tables, [rows, width] each, whose rows are looked up and added to make the value; undefined where it is made
 * otherwise.
 */
function tablesOf({ onnx, roles }: Pick<Model, 'onnx' | 'roles'>, value: string): readonly string[] | undefined {
  const made = producers(onnx.graph).get(value);
  if (made?.op === 'Gather') {
    const known = [roles.embedding, roles.positions].find((table) => table?.node === made.name);
    return known && [known.weight];
  }
  if (made?.op !== 'Add') return undefined;
  const parts = made.inputs.map((name) => tablesOf({ onnx, roles }, name) ?? []);
  return parts.every((part) => part.length > 0) ? parts.flat() : undefined;
}

/** The stream is made as before and then multiplied by its first basis. */
function enter(
  draft: Draft,
  { value, norm, basis }: { readonly value: string; readonly norm: StreamNorm; readonly basis: Basis },
): void {
  const { width, nodes } = draft;
  const identity = Array.from({ length: width * width }, (_, at) => (at % (width + 1) === 0 ? 1 : 0));
  store(draft, 'stream.in.weight', [width, basis.features], written(identity, norm, basis));
  const wide = `${value}.wide`;
  for (const [name, node] of nodes)
    if (node.outputs.includes(value))
      nodes.set(name, { ...node, outputs: node.outputs.map((each) => (each === value ? wide : each)) });
  place(draft, 'MatMul', value, [wide, 'stream.in.weight'], 'stream.in');
}

interface Reading {
  readonly linear: LinearRole;
  readonly norm: StreamNorm;
  readonly basis: Basis;
}

function read(draft: Draft, model: Model, { linear, norm, basis }: Reading): LinearRole {
  const { inFeatures, outFeatures, bias } = linear;
  const right = Float64Array.from(model.weight(linear));
  const size = { inner: inFeatures, columns: outFeatures };
  const weight = multiply({ left: unturned(basis, norm), right, rows: basis.features, ...size });
  store(draft, linear.weight, [basis.features, outFeatures], weight);
  if (norm.shift !== undefined) {
    if (bias === undefined) {
      throw new UnsupportedError(
        `${model.id}: the norm before ${linear.role} adds a bias, which a layer without a bias cannot take over; ` +
          'the basis of its stream cannot be changed',
      );
    }
    const own = biasOf(model, linear);
    const moved = multiply({ left: Float64Array.from(norm.shift), right, rows: 1, ...size });
    const sums = moved.map((value, out) => value + own[out]!);
    store(draft, bias, [outFeatures], sums);
  }
  return { ...linear, inFeatures: basis.features };
}

/** Before an output layer that is the transposed embedding: back to the features of the table, and γ and β. */
function leave(
  draft: Draft,
  {
    value,
    norm,
    basis,
    table,
  }: { readonly value: string; readonly norm: StreamNorm; readonly basis: Basis; readonly table?: Basis },
): void {
  const { width } = draft;
  const unit = `${norm.output}.unit_length`;
  const toTable = (left: Float64Array, rows: number): Float64Array =>
    table ? multiply({ left, right: table.matrix, rows, inner: width, columns: width }) : left;
  placeNorm(draft, { value, output: unit, norm, features: basis.features });
  store(draft, 'stream.out.weight', [basis.features, width], toTable(unturned(basis, norm), basis.features));
  if (norm.shift === undefined) return place(draft, 'MatMul', norm.output, [unit, 'stream.out.weight'], 'stream.out');
  store(draft, 'stream.out.bias', [width], toTable(Float64Array.from(norm.shift), 1));
  place(draft, 'MatMul', 'stream.out', [unit, 'stream.out.weight']);
  place(draft, 'Add', norm.output, ['stream.out', 'stream.out.bias'], 'stream.out.biased');
}

/** The sum `add` takes the segment in the basis of the next one. */
function turn(
  draft: Draft,
  { value, add, basis, next }: { readonly value: string; readonly add: string; readonly basis: Basis; next: Basis },
): void {
  const { width, nodes } = draft;
  const turned = `${value}.turned`;
  const left = transpose(basis.matrix, width, basis.features);
  const size = { rows: basis.features, inner: width, columns: next.features };
  store(draft, `${turned}.weight`, [basis.features, next.features], multiply({ left, right: next.matrix, ...size }));
  place(draft, 'MatMul', turned, [value, `${turned}.weight`]);
  const sum = nodes.get(add)!;
  nodes.set(add, { ...sum, inputs: sum.inputs.map((name) => (name === value ? turned : name)) });
}
