/**
 * A model with a narrower residual stream: everything that reads, writes or normalises it loses the same features;
 * heads and neurons are kept. Initializes a narrow student where there is no smaller trained model.
 */
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { Example } from '../../../engine/definitions/method.ts';
import type { LayerRoles, LinearRole, Model } from '../../../engine/definitions/model.ts';
import { createModel } from '../../../engine/model/model.ts';
import { withGraph } from '../../../numerics/onnx/edit.ts';
import { captureValues } from '../../../engine/runtime/capture.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { mapLinears } from './structure.ts';
import { highest } from './units.ts';

/**
 * The features of the stream with the most energy over the outputs of all layers, each layer's energy divided by its
 * sum; ascending.
 */
export async function strongestFeatures(
  model: Model,
  {
    count,
    examples,
    signal,
  }: { readonly count: number; readonly examples: readonly Example[]; readonly signal: AbortSignal },
): Promise<readonly number[]> {
  const { width, layers } = model.roles;
  const energies = layers.map(() => new Float64Array(width));
  await captureValues({
    model: model.onnx,
    values: layers.map(({ output }) => output),
    examples,
    visit(captured) {
      for (const [index, { output }] of layers.entries()) {
        elements(captured[output]!, 'float32').forEach((value, at) => (energies[index]![at % width]! += value * value));
      }
    },
    signal,
  });
  const total = new Float64Array(width);
  for (const energy of energies) {
    const sum = energy.reduce((all, value) => all + value, 0);
    energy.forEach((value, feature) => (total[feature]! += value / sum));
  }
  return highest(total, count);
}

/** The model whose stream has only these features. */
export function keepFeatures(model: Model, kept: readonly number[]): Model {
  const { roles, onnx } = model;
  const { layers, embedding, positions, segments, pooler, head, width } = roles;
  const initializers = new Map(onnx.graph.initializers);
  /** Keeps these features along each axis of length `width`. */
  const cut = (name: string, axis: 0 | 1): void => {
    const tensor = initializers.get(name);
    if (tensor === undefined || tensor.dims[axis] !== width) {
      throw new UnsupportedError(
        `${model.id}: "${name}" is [${tensor?.dims.join(', ')}], expected ${width} on axis ${axis}; its stream cannot be cut`,
      );
    }
    const values = elements(tensor, 'float32');
    const columns = axis === 0 ? values.length / width : 1;
    const rows = values.length / width / columns;
    const taken = new Float32Array(rows * kept.length * columns);
    for (let row = 0; row < rows; row++) {
      for (const [to, from] of kept.entries()) {
        const source = (row * width + from) * columns;
        taken.set(values.subarray(source, source + columns), (row * kept.length + to) * columns);
      }
    }
    initializers.set(name, tensorOf('float32', tensor.dims.with(axis, kept.length), taken));
  };
  const reading = (linear: LinearRole): LinearRole => {
    cut(linear.weight, 0);
    return { ...linear, inFeatures: kept.length };
  };
  const writing = (linear: LinearRole): LinearRole => {
    cut(linear.weight, 1);
    if (linear.bias !== undefined) cut(linear.bias, 0);
    return { ...linear, outFeatures: kept.length };
  };
  const tails = [pooler, head].filter((linear) => linear !== undefined);
  const others = new Set(
    [...layers.flatMap(({ q, k, v, gate, up }) => [q, k, v, gate, up]), ...tails].map((linear) => linear?.bias),
  );
  const writers = new Set(layers.flatMap(({ o, down }) => [o.bias, down.bias]));
  // Norms have no roles: they are the initializers of the stream's length that are not biases of linear layers.
  for (const [name, { dtype, dims }] of onnx.graph.initializers) {
    if (dtype === 'float32' && dims.length === 1 && dims[0] === width && !others.has(name) && !writers.has(name))
      cut(name, 0);
  }
  cut(embedding.weight, 1);
  if (positions) cut(positions.weight, 1);
  if (segments) cut(segments.weight, 1);
  const narrowed = layers.map((layer): LayerRoles =>
    mapLinears(layer, (linear) => (linear === layer.o || linear === layer.down ? writing(linear) : reading(linear))),
  );
  const readers = { ...(pooler && { pooler: reading(pooler) }), ...(head && { head: pooler ? head : reading(head) }) };
  return createModel({
    ...model,
    onnx: withGraph(onnx, { ...onnx.graph, initializers }),
    roles: { ...roles, width: kept.length, layers: narrowed, ...readers },
  });
}
