/** The immutable Model of engine/definitions/model.ts over an ONNX graph and its role map. */
import { InputError } from '../../contracts/errors.ts';
import type { LayerRoles, LinearRole, Model, RoleMap } from '../definitions/model.ts';
import { describeTensor, elements, type NumericTensor } from '../../numerics/tensor/tensor.ts';

export type ModelParts = Pick<Model, 'id' | 'architecture' | 'kind' | 'onnx' | 'roles' | 'contextLength'>;

/** A model whose roles refer to nodes and initializers of `onnx` by name; nothing is copied. */
export function createModel(parts: ModelParts): Model {
  const linears = parts.roles.layers.flatMap(linearsOfLayer);
  return {
    ...parts,
    linears,
    weight: (linear) => elements(denseWeight(parts, linear), 'float32'),
    withWeight(linear, weight) {
      const current = denseWeight(parts, linear);
      if (weight.dtype !== 'float32' || !sameDims(weight.dims, current.dims)) {
        throw new InputError(
          `${parts.id}: new weight of ${linear.role} must be ${describeTensor(current)}, got ${describeTensor(weight)}; ` +
            `to change shape or element type replace the node ${linear.node} through withOnnx`,
        );
      }
      const initializers = new Map(parts.onnx.graph.initializers).set(linear.weight, weight);
      return createModel({ ...parts, onnx: { ...parts.onnx, graph: { ...parts.onnx.graph, initializers } } });
    },
    withOnnx: (onnx) => createModel({ ...parts, onnx }),
  };
}

/** The linear layers of one block in the order of data flow. */
export function linearsOfLayer(layer: LayerRoles): readonly LinearRole[] {
  const { q, k, v, o, gate, up, down } = layer;
  return gate ? [q, k, v, o, gate, up, down] : [q, k, v, o, up, down];
}

export interface LayerHeads {
  readonly heads: number;
  /** Divides `heads`: each serves as many consecutive query heads. */
  readonly keyValueHeads: number;
  /** Features that each head passes to the output projection. */
  readonly headWidth: number;
}

/** The attention heads of one block. */
export function headsOfLayer(roles: RoleMap, layer: LayerRoles): LayerHeads {
  const { heads = roles.heads, keyValueHeads = roles.keyValueHeads, o } = layer;
  return { heads, keyValueHeads, headWidth: o.inFeatures / heads };
}

function denseWeight(parts: ModelParts, linear: LinearRole): NumericTensor {
  const expected = `float32[${linear.inFeatures}, ${linear.outFeatures}]`;
  const tensor = parts.onnx.graph.initializers.get(linear.weight);
  if (!tensor) {
    throw new InputError(
      `${parts.id}: ${linear.role} has no initializer ${linear.weight} any more, expected ${expected}; ` +
        'read weights before replacing the layer',
    );
  }
  if (tensor.dtype !== 'float32' || !sameDims(tensor.dims, [linear.inFeatures, linear.outFeatures])) {
    throw new InputError(
      `${parts.id}: weight ${linear.weight} of ${linear.role} is ${describeTensor(tensor)}, expected ${expected}; ` +
        'read weights before replacing the layer',
    );
  }
  return tensor;
}

function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}
