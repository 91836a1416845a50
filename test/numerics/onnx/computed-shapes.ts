/** Shapes of all values of a model beside what onnxruntime computes. */
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { smallValues } from '../../../numerics/onnx/shape-rules/small-values.ts';
import type { ConcreteShape } from '../../../numerics/onnx/shapes.ts';
import type { Tensor } from '../../../numerics/tensor/tensor.ts';

/** The model with every value in between as an output too. */
export function exposeAll(model: OnnxModel, shapes: ReadonlyMap<string, ConcreteShape>): OnnxModel {
  const { graph } = model;
  const outputs = [...graph.outputs];
  const known = new Set(graph.outputs.map((output) => output.name));
  for (const name of model.graph.nodes.flatMap((node) => node.outputs)) {
    const shape = shapes.get(name);
    if (name === '' || known.has(name) || shape === undefined) continue;
    outputs.push({ name, type: { kind: 'tensor', dtype: shape.dtype, dims: shape.dims } });
  }
  const valueInfo = graph.valueInfo.filter(({ name }) => !outputs.some((output) => output.name === name));
  return { ...model, graph: { ...graph, outputs, valueInfo } };
}

function agrees(computed: number, folded: number | undefined): boolean {
  return Object.is(computed, folded) || Math.abs(computed - (folded ?? NaN)) <= 1e-6 * Math.abs(computed);
}

/** One line per output whose type, shape or folded elements are not those computed. */
export function differences(
  name: string,
  shapes: ReadonlyMap<string, ConcreteShape>,
  got: Readonly<Record<string, Tensor>>,
): string[] {
  return Object.entries(got).flatMap(([output, tensor]) => {
    const shape = shapes.get(output);
    if (shape === undefined || shape.dtype !== tensor.dtype || shape.dims.join() !== tensor.dims.join()) {
      return [`${name} ${output}: ${shape?.dtype}[${shape?.dims}], onnxruntime ${tensor.dtype}[${tensor.dims}]`];
    }
    const values = shape.values && smallValues(tensor);
    const same = values === undefined || values.every((value, index) => agrees(value, shape.values?.[index]));
    return same ? [] : [`${name} ${output}: folded to ${shape.values}, onnxruntime ${values}`];
  });
}
