/**
 * Activations on a grid that is fixed before the model runs: QuantizeLinear and DequantizeLinear after a value.
 * https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html
 */
import type { Range } from '../../../engine/calibrate/activation-ranges.ts';
import { InputError, NumericalError } from '../../../contracts/errors.ts';
import { addInitializers, insertNodes } from '../../../numerics/onnx/edit.ts';
import type { Graph } from '../../../numerics/onnx/graph.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { rawTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { roundHalfToEven } from './round-half-to-even.ts';

export type ActivationBits = 4 | 8;

/** value = (code - zeroPoint) · scale, codes unsigned. */
export interface ActivationGrid {
  readonly bits: ActivationBits;
  /** A float32 number. */
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Below this a scale is not a normal float32; the value is then always zero and any scale gives it. */
const SMALLEST_SCALE = 2 ** -126;

/**
 * The grid that covers a range and contains zero, as in onnxruntime.quantization. Throws NumericalError when a bound is
 * not finite.
 */
export function gridOfActivations({ low, high }: Range, bits: ActivationBits): ActivationGrid {
  if (!Number.isFinite(low) || !Number.isFinite(high)) {
    throw new NumericalError(
      `activation grid of ${bits} bits: the calibrated range is [${low}, ${high}], expected finite bounds; ` +
        'the model computes values that are not finite on the calibration data',
    );
  }
  const from = Math.min(low, 0);
  const scale = (Math.max(high, 0) - from) / (2 ** bits - 1);
  if (scale < SMALLEST_SCALE) return { bits, scale: 1, zeroPoint: 0 };
  return { bits, scale: Math.fround(scale), zeroPoint: roundHalfToEven((0 - from) / scale) };
}

/** The graph in which these nodes read a value rounded to a grid; without `readers`, all nodes that read it. */
export function withRoundedActivation(
  graph: Graph,
  { value, grid, readers }: { readonly value: string; readonly grid: ActivationGrid; readonly readers?: Set<string> },
): Graph {
  const { bits, scale, zeroPoint } = grid;
  const names = { scale: `${value}.scale`, zeroPoint: `${value}.zero_point`, codes: `${value}.codes` };
  const rounded = `${value}.dequantized`;
  const stored = addInitializers(graph, {
    [names.scale]: tensorOf('float32', [], Float32Array.of(scale)),
    [names.zeroPoint]: rawTensor(bits === 8 ? 'uint8' : 'uint4', [], Uint8Array.of(zeroPoint)),
  });
  const nodes = graph.nodes.map((node) => {
    if (!node.inputs.includes(value) || readers?.has(node.name) === false) return node;
    return { ...node, inputs: node.inputs.map((input) => (input === value ? rounded : input)) };
  });
  const maker = graph.nodes.find(({ outputs }) => outputs.includes(value));
  if (maker === undefined)
    throw new InputError(`static quantization: no node of graph "${graph.name}" makes "${value}"`);
  const step = (op: string, input: string, output: string) =>
    createNode({ op, name: output, inputs: [input, names.scale, names.zeroPoint], outputs: [output] });
  return insertNodes(
    { ...stored, nodes },
    [step('QuantizeLinear', value, names.codes), step('DequantizeLinear', names.codes, rounded)],
    { after: maker.name },
  );
}
