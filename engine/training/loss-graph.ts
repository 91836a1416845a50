/** A model's graph with a loss, at concrete shapes, for gradients in training or scoring. */
import { InputError } from '../../contracts/errors.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { inferShapes } from '../../numerics/onnx/shapes.ts';
import type { DType } from '../../numerics/tensor/dtype.ts';
import { extendModel } from './graph-writer.ts';
import type { Loss } from './loss.ts';
import { addMasks } from './prepare-graph.ts';

export interface Feed {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
}

export interface LossGraph {
  readonly model: OnnxModel;
  /** Name of the scalar. */
  readonly loss: string;
  /** Names of the scalars that the loss reports besides itself. */
  readonly metrics: ReadonlyMap<string, string>;
  /** Inputs of the model and those added by the loss. */
  readonly feeds: readonly Feed[];
}

/** inputs: concrete shapes by input, except those that are fixed in the graph. Throws InputError for a missing one. */
export function addLoss(
  given: OnnxModel,
  { inputs, loss }: { readonly inputs: Readonly<Record<string, readonly number[]>>; readonly loss: Loss },
): LossGraph {
  const model = addMasks(given);
  const w = extendModel(model, 'loss/');
  const known: Record<string, readonly number[]> = {};
  for (const { name, type } of model.graph.inputs) {
    const dims = inputs[name] ?? (type?.kind === 'tensor' ? type.dims : undefined);
    if (dims === undefined || !dims.every((dim) => typeof dim === 'number')) {
      throw new InputError(
        `training: input "${name}" of graph "${model.graph.name}" needs a concrete shape in "inputs"`,
      );
    }
    known[name] = dims as readonly number[];
  }
  const shapes = inferShapes(model, { inputs: known });
  const made = new Map<string, string>();
  const value = loss({
    w,
    dims(name) {
      const shape = shapes.get(name);
      if (shape === undefined)
        throw new InputError(`training: graph "${model.graph.name}" has no value "${name}" for the loss`);
      return shape.dims;
    },
    metric: (name, metric) => made.set(made.has(name) ? `${name}.${made.size}` : name, metric),
  });
  const total = w.identity(value, { output: 'value' });
  const metrics = new Map([...made].map(([name, metric]) => [name, w.identity(metric, { output: `metric/${name}` })]));
  const extended = w.finish();
  const feeds = extended.graph.inputs.map(({ name, type }) => {
    if (type?.kind !== 'tensor' || type.dtype === undefined)
      throw new InputError(`training: input "${name}" is no tensor`);
    return { name, dtype: type.dtype, dims: known[name] ?? (type.dims as readonly number[]) };
  });
  return { model: extended, loss: total, metrics, feeds };
}
