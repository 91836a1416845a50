/**
 * Another basis for the values of attention: each head's values turned by R, and the rows of the output projection back,
 * V R and Rᵀ O. A mixture of positions commutes with R, so that the model computes the same function.
 * Liu et al. 2024 (SpinQuant), https://arxiv.org/abs/2405.16406, section 3.1 (R₂).
 */
import type { LayerRoles, LinearRole, Model } from '../../../engine/definitions/model.ts';
import { headsOfLayer } from '../../../engine/model/model.ts';
import { producers } from '../../../numerics/onnx/names.ts';
import { withGraph } from '../../../numerics/onnx/edit.ts';
import { multiply, transpose } from '../../../numerics/tensor/linear-algebra.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { biasOf, withFloats } from './structure.ts';

/** `basisOf` gives R, orthogonal, [features, features], for a layer whose heads have so many features. */
export function withValueBases(model: Model, basisOf: (features: number) => Float64Array): Model {
  let turned = model;
  for (const layer of model.roles.layers) {
    if (!mixesValues(model, layer)) continue;
    const { heads, keyValueHeads } = headsOfLayer(model.roles, layer);
    const size = layer.v.outFeatures / keyValueHeads;
    const basis = basisOf(size);
    const { v, o } = layer;
    const right = (values: Float32Array): Float32Array =>
      Float32Array.from(
        multiply({
          left: Float64Array.from(values),
          right: basis,
          rows: values.length / size,
          inner: size,
          columns: size,
        }),
      );
    const set = (linear: LinearRole, values: Float32Array): void => {
      turned = turned.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], values));
    };
    set(v, right(model.weight(v)));
    if (v.bias !== undefined) {
      const bias = right(biasOf(model, v));
      turned = turned.withOnnx(withGraph(turned.onnx, withFloats(turned.onnx.graph, v.bias, [v.outFeatures], bias)));
    }
    // Rᵀ O = (Oᵀ R)ᵀ, head by head.
    const across = right(transpose(model.weight(o), heads * size, o.outFeatures));
    set(o, transpose(across, o.outFeatures, heads * size));
  }
  return turned;
}

const FORMS = new Set(['Reshape', 'Transpose', 'Expand', 'Unsqueeze', 'Add']);

/** Whether the input of the output projection is a mixture of the values over positions, and nothing else. */
function mixesValues({ onnx }: Model, { v, o }: LayerRoles): boolean {
  const makers = producers(onnx.graph);
  const before = (value: string): string => {
    const node = makers.get(value);
    return node !== undefined && FORMS.has(node.op) ? before(node.inputs[0]!) : value;
  };
  const mixing = makers.get(before(o.input));
  return mixing?.op === 'MatMul' && before(mixing.inputs[1]!) === v.output;
}
