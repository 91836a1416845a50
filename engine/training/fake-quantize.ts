/**
 * Differentiable quantization: values are rounded to a grid in the forward pass; gradients pass through the rounding
 * unchanged (Bengio et al. 2013, https://arxiv.org/abs/1308.3432) and reach the grid's step size (LSQ: Esser et al.
 * 2020, https://arxiv.org/abs/1902.08153, equations 1, 3 and 5). Codes and zero points are those of
 * methods/shared/formats/grid.ts:
 *   value = (clip(round(x / s) + z, 0, 2ᵇ - 1) - z) s      d value / d s = round(x / s) - x / s inside, code - z at the ends
 * The zero point is a whole number that does not change.
 */
import { InputError } from '../../contracts/errors.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { extendModel, type GraphWriter } from './graph-writer.ts';
import type { ParameterOptions } from './slots.ts';

export interface QuantizedWeight {
  /** Initializer [in, out]. */
  readonly weight: string;
  readonly bits: number;
  /** Rows of `in` that share a step size; the last group may be shorter. */
  readonly groupSize: number;
  /** [ceil(in / groupSize), out], row-major. */
  readonly scales: Float32Array;
  /** Codes of zero, [ceil(in / groupSize), out]; if absent, the middle code (symmetric). */
  readonly zeroPoints?: Uint8Array | Float32Array;
}

/** A value of the graph that is quantized as a whole. */
export interface QuantizedActivation {
  readonly value: string;
  /** Names of the nodes that read it rounded; default: all readers. */
  readonly readers?: ReadonlySet<string>;
  readonly bits: number;
  readonly scale: number;
  /** Default: the middle code. */
  readonly zeroPoint?: number;
  /** Number of elements that share the step size, for the gradient's scale (features of the layer in the paper). */
  readonly features: number;
}

export interface FakeQuantization {
  readonly model: OnnxModel;
  /** Names of the step sizes: parameters to train with the weights. */
  readonly stepSizes: readonly string[];
  /** For train's `parameterOptions`: LSQ's gradient scale 1 / √(n Qp), no decay; undefined for other parameters. */
  options(name: string): ParameterOptions | undefined;
}

export const stepSizeName = (value: string): string => `${value}.step_size`;

/** Throws InputError for a weight whose shape does not match the groups. */
export function addFakeQuantization(
  model: OnnxModel,
  {
    weights = [],
    activations = [],
  }: { readonly weights?: readonly QuantizedWeight[]; readonly activations?: readonly QuantizedActivation[] },
): FakeQuantization {
  const w = extendModel(model, 'quantize/');
  const scaleOf = new Map<string, number>();
  for (const item of weights) scaleOf.set(stepSizeName(item.weight), quantizeWeight(w, item));
  for (const item of activations) scaleOf.set(stepSizeName(item.value), quantizeActivation(w, item));
  return {
    model: w.finish(),
    stepSizes: [...scaleOf.keys()],
    options(name) {
      const gradientScale = scaleOf.get(name);
      return gradientScale === undefined ? undefined : { gradientScale, decays: false };
    },
  };
}

function quantizeWeight(w: GraphWriter, { weight, bits, groupSize, scales, zeroPoints }: QuantizedWeight): number {
  const tensor = w.tensor(weight);
  const [inFeatures = 0, outFeatures = 0] = tensor.dims;
  const groups = Math.ceil(inFeatures / groupSize);
  const expected = groups * outFeatures;
  if (
    tensor.dims.length !== 2 ||
    !Number.isInteger(groupSize) ||
    scales.length !== expected ||
    (zeroPoints?.length ?? expected) !== expected
  ) {
    throw new InputError(
      `fake quantization: "${weight}" is [${tensor.dims.join(', ')}]; groups of ${groupSize} rows need ${expected} scales, got ${scales.length}`,
    );
  }
  const name = stepSizeName(weight);
  w.initializer(name, tensorOf('float32', [groups, 1, outFeatures], scales));
  const zero =
    zeroPoints === undefined
      ? w.scalar(2 ** (bits - 1))
      : w.initializer(
          `${weight}.zero_point`,
          tensorOf('float32', [groups, 1, outFeatures], Float32Array.from(zeroPoints)),
        );
  w.wrap(weight, () => {
    // A shorter last group is padded with zeros, which are on every grid and contribute no gradient to its step size.
    const missing = groups * groupSize - inFeatures;
    const filling = new Float32Array(missing * outFeatures);
    const rows =
      missing === 0
        ? weight
        : w.concat([weight, w.initializer(`${weight}.filling`, tensorOf('float32', [missing, outFeatures], filling))], {
            axis: 0,
          });
    const grouped = w.reshape(rows, [groups, groupSize, outFeatures]);
    const rounded = w.reshape(onGrid(w, grouped, { step: name, zero, bits }), [groups * groupSize, outFeatures]);
    return missing === 0 ? rounded : w.slice(rounded, { starts: [0], ends: [inFeatures], axes: [0] });
  });
  return gradientScale(groupSize, bits);
}

function quantizeActivation(
  w: GraphWriter,
  { value, readers, bits, scale, zeroPoint = 2 ** (bits - 1), features }: QuantizedActivation,
): number {
  const name = stepSizeName(value);
  w.initializer(name, tensorOf('float32', [1], Float32Array.of(scale)));
  w.wrap(value, (inner) => onGrid(w, inner, { step: name, zero: w.scalar(zeroPoint), bits }), readers);
  return gradientScale(features, bits);
}

/** Section 2.2: n elements share the step size, Qp is the largest level. */
const gradientScale = (sharing: number, bits: number): number => 1 / Math.sqrt(sharing * (2 ** (bits - 1) - 1 || 1));

function onGrid(w: GraphWriter, x: string, { step, zero, bits }: { step: string; zero: string; bits: number }): string {
  const position = w.add(w.div(x, step), zero);
  const clipped = w.clip(position, { min: w.scalar(0), max: w.scalar(2 ** bits - 1) });
  const codes = w.passThrough(w.round(clipped));
  return w.mul(w.sub(codes, zero), step);
}

/** Trained step sizes, in the layout in which they were given. */
export function trainedScales(parameters: ReadonlyMap<string, Float32Array>, weight: string): Float32Array {
  const values = parameters.get(stepSizeName(weight));
  if (values === undefined) throw new InputError(`fake quantization: "${weight}" has no trained step sizes`);
  return values;
}

/** LSQ's initial value: 2 mean |x| / √Qp per group (section 2.1). */
export function initialScales(
  { weight, dims }: { readonly weight: Float32Array; readonly dims: readonly number[] },
  { bits, groupSize }: { readonly bits: number; readonly groupSize: number },
): Float32Array {
  const [inFeatures = 0, outFeatures = 0] = dims;
  const scales = new Float32Array(Math.ceil(inFeatures / groupSize) * outFeatures);
  for (let row = 0; row < inFeatures; row++) {
    const group = Math.floor(row / groupSize);
    const count = Math.min(groupSize, inFeatures - group * groupSize);
    const factor = 2 / (count * Math.sqrt(2 ** (bits - 1) - 1 || 1));
    for (let column = 0; column < outFeatures; column++) {
      const at = group * outFeatures + column;
      scales[at] = scales[at]! + factor * Math.abs(weight[row * outFeatures + column]!);
    }
  }
  return scales;
}
