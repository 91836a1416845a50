/**
 * The last step of every artifact, the same for all methods: stores what the method left in floating point in the type
 * of the variant.
 */
import type { Model } from '../definitions/model.ts';
import { sharedOf } from '../definitions/shared-parameters.ts';
import { storeAsFloat16 } from '../../numerics/onnx/float16-storage.ts';

/**
 * Name of a weight, a bias or a factor of a weight, as in this repository's and PyTorch's models; tables and constants
 * have other names.
 */
const WEIGHT_NAME = /(^|\.)(weight|bias)(\.|$)/;
/** Scales and zero points of a quantized weight: few numbers, on which every weight depends. */
const GRID_NAME = /\.(scales?|absmax|zero_points?)$/;

export interface Finishing {
  /** Checked parameters of the method. */
  readonly params: Readonly<Record<string, unknown>>;
  note(text: string): void;
}

/** The model that is written to the file. */
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
