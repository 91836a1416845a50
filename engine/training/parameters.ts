/** Selects the initializers of a model to train. */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { OnnxModel, OnnxTensor } from '../../numerics/onnx/graph.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';

const PARAMETER_NAME = /^(?!teacher\/).*\.(weight|bias)$/;

/**
 * float32 initializers named `….weight` or `….bias`, as in this repository's and PyTorch's models; tables and constants
 * have other names.
 */
export function parameterNames(model: OnnxModel): readonly string[] {
  return [...model.graph.initializers]
    .filter(([name, tensor]) => tensor.dtype === 'float32' && PARAMETER_NAME.test(name))
    .map(([name]) => name);
}

interface Choice {
  readonly model: OnnxModel;
  readonly parameters?: readonly string[];
  readonly frozen?: readonly string[];
}

/** Throws InputError for unknown names, and when nothing is left to train. */
export function chooseParameters({ model, parameters, frozen = [] }: Choice): ReadonlyMap<string, OnnxTensor> {
  const { initializers } = model.graph;
  for (const name of [...(parameters ?? []), ...frozen]) {
    if (initializers.has(name)) continue;
    const known = parameterNames(model).slice(0, 12).join(', ');
    throw new InputError(`training: graph "${model.graph.name}" has no initializer "${name}"; parameters: ${known}, …`);
  }
  const apart = new Set(frozen);
  const chosen = (parameters ?? parameterNames(model)).filter((name) => !apart.has(name));
  if (chosen.length === 0) {
    throw new InputError(
      `training: graph "${model.graph.name}" has nothing to train: no float32 initializer is named ….weight or ….bias` +
        `${frozen.length > 0 ? ' that is not frozen' : ''}; name them in "parameters"`,
    );
  }
  return new Map(chosen.map((name) => [name, present(initializers.get(name), 'initializers of name')]));
}

/** Matrices decay; norms, biases and embeddings do not. */
export function isDecayed(name: string, dims: readonly number[]): boolean {
  return dims.length >= 2 && !/embedding|position/.test(name);
}

/** The model with other values for these initializers; names it does not have (of adapters) are ignored. */
export function withParameters(model: OnnxModel, parameters: ReadonlyMap<string, Float32Array>): OnnxModel {
  const initializers = new Map(model.graph.initializers);
  for (const [name, values] of parameters) {
    const old = initializers.get(name);
    if (old !== undefined) initializers.set(name, tensorOf('float32', old.dims, values));
  }
  return { ...model, graph: { ...model.graph, initializers } };
}
