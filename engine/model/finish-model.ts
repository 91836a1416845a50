/** The last step of every artifact, the same for all methods: what the method left in floating point is stored as its variant says. */
import type { Model } from '../definitions/model.ts';
import { sharedOf } from '../definitions/shared-parameters.ts';
import { storeAsFloat16 } from '../../numerics/onnx/float16-storage.ts';

/** A weight, bias or factor of one by its name, as this repository's and PyTorch's models have it; tables and constants are none. */
const WEIGHT_NAME = /(^|\.)(weight|bias)(\.|$)/;
/** The grid of a quantized weight: few numbers, and every weight follows them. */
const GRID_NAME = /\.(scales?|absmax|zero_points?)$/;

export interface Finishing {
  /** Of the method, checked. */
  readonly params: Readonly<Record<string, unknown>>;
  note(text: string): void;
}

/** The model as it is written to a file. */
export function finishModel(model: Model, { params, note }: Finishing): Model {
  if (sharedOf(params).floats === 'float32') return model;
  const { model: onnx, tooLarge } = storeAsFloat16(
    model.onnx,
    (name) => WEIGHT_NAME.test(name) && !GRID_NAME.test(name),
  );
  if (tooLarge.length > 0) {
    note(`stored in float32, since float16 cannot hold a number as large as theirs: ${tooLarge.join(', ')}`);
  }
  return model.withOnnx(onnx);
}
