/**
 * Weights for the operator com.microsoft MatMulNBits, and the graph edit that replaces a MatMul by it.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits The operator
 * does not support 3 bits: such codes are stored in 3 bits and become 4-bit codes when the file is loaded.
 */
import { InputError } from '../../../contracts/errors.ts';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { int } from '../../../numerics/onnx/attributes.ts';
import { addInitializers, removeDeadCode, replaceNode, withGraph } from '../../../numerics/onnx/edit.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { type NumericTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { packThreeBits, unpackThreeBitsNode, withThreeBits } from './three-bits.ts';
import { type Bits, type GridFormat, codeOf, fitGrid, gridOf, valueOf } from './grid.ts';

/** Input features that share a scale; `channel`: all of an output. */
export type GroupSize = number | 'channel';

/**
 * Precision of the kernel's activations: `int8` quantizes the activations of each block at run time, `float32` does
 * not.
 * On the CPU only 4 bits have a fast float32 kernel.
 */
export type Activations = 'int8' | 'float32';

const ACCURACY_LEVEL = { float32: 1, int8: 4 } as const satisfies Record<Activations, number>;
const SMALLEST_BLOCK = 16;

/** A weight on a grid, stored by output feature, as in the papers' W and in MatMulNBits. */
export interface QuantizedWeight extends GridFormat {
  readonly inFeatures: number;
  readonly outFeatures: number;
  /**
   * Input features per scale, a power of two from 16; the last group may be shorter. For one group over all inputs see
   * storedBlockSize.
   */
  readonly blockSize: number;
  /** One code per byte, [out, in]. */
  readonly codes: Uint8Array;
  /** [out, ceil(in / blockSize)] */
  readonly scales: Float32Array;
  /**
   * [out, ceil(in / blockSize)]; the middle code everywhere when symmetric. A Float32Array may hold values between
   * codes, which the operator supports for 2 to 4 bits.
   */
  readonly zeroPoints: Uint8Array | Float32Array;
}

export interface WeightShape {
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** The block size that holds a group: the group size itself, or one power of two that covers all input features. */
export function blockSizeOf(groupSize: GroupSize, inFeatures: number): number {
  const wholeChannel = 2 ** Math.ceil(Math.log2(Math.max(SMALLEST_BLOCK, inFeatures)));
  if (groupSize === 'channel') return wholeChannel;
  if (groupSize < SMALLEST_BLOCK || !Number.isInteger(Math.log2(groupSize))) {
    throw new InputError(
      `MatMulNBits: group size ${groupSize} is not a power of two from ${SMALLEST_BLOCK}; the operator knows no other, choose e.g. 32 or "channel"`,
    );
  }
  return Math.min(groupSize, wholeChannel);
}

/** Rounds each weight to the nearest point of its group's grid. weight: [in, out] row-major. */
export function quantizeWeight(
  weight: Float32Array,
  options: WeightShape & GridFormat & { readonly groupSize: GroupSize },
): QuantizedWeight {
  const { inFeatures, outFeatures, bits, symmetric } = options;
  const blockSize = blockSizeOf(options.groupSize, inFeatures);
  const blocks = Math.ceil(inFeatures / blockSize);
  const codes = new Uint8Array(outFeatures * inFeatures);
  const scales = new Float32Array(outFeatures * blocks);
  const zeroPoints = new Uint8Array(outFeatures * blocks);
  for (let out = 0; out < outFeatures; out++) {
    for (let block = 0; block < blocks; block++) {
      const first = block * blockSize;
      const count = Math.min(blockSize, inFeatures - first);
      const grid = fitGrid(
        weight,
        { start: first * outFeatures + out, stride: outFeatures, count },
        { bits, symmetric },
      );
      scales[out * blocks + block] = grid.scale;
      zeroPoints[out * blocks + block] = grid.zeroPoint;
      for (let i = first; i < first + count; i++) {
        codes[out * inFeatures + i] = codeOf(grid, weight[i * outFeatures + out]!);
      }
    }
  }
  return { inFeatures, outFeatures, bits, symmetric, blockSize, codes, scales, zeroPoints };
}

/** The float32 weight the codes stand for, [in, out] row-major. */
export function dequantizeWeight(quantized: QuantizedWeight): Float32Array {
  const { inFeatures, outFeatures, bits, blockSize, codes, scales, zeroPoints } = quantized;
  const blocks = Math.ceil(inFeatures / blockSize);
  const weight = new Float32Array(inFeatures * outFeatures);
  for (let out = 0; out < outFeatures; out++) {
    for (let block = 0; block < blocks; block++) {
      const at = out * blocks + block;
      const grid = gridOf({ bits, scale: scales[at]!, zeroPoint: zeroPoints[at]! });
      const end = Math.min((block + 1) * blockSize, inFeatures);
      for (let i = block * blockSize; i < end; i++) {
        weight[i * outFeatures + out] = valueOf(grid, codes[out * inFeatures + i]!);
      }
    }
  }
  return weight;
}

export interface PackedWeight {
  /** The operator's block_size. */
  readonly blockSize: number;
  /**
   * uint8 [out, blocks, blockSize · bits / 8], low bits first; codes past the last input feature are 0. Of 3 bits: the planes
   * of methods/shared/formats/three-bits.ts, which unpack to 4 bits in that form.
   */
  readonly weight: NumericTensor;
  /** float32 [out, blocks] */
  readonly scales: NumericTensor;
  /**
   * uint8 [out, ceil(blocks · bits / 8)] with the operator's bits, low bits first, or float32 [out, blocks]; absent
   * when symmetric, because the operator then assumes the middle code.
   */
  readonly zeroPoints?: NumericTensor;
}

/**
 * Bits of the operator that multiplies codes of these bits, and the offset added to a code, which keeps zero in the
 * middle.
 */
const OPERATOR = {
  2: { bits: 2, shift: 0 },
  3: { bits: 4, shift: 4 },
  4: { bits: 4, shift: 0 },
  8: { bits: 8, shift: 0 },
} as const satisfies Record<Bits, { bits: number; shift: number }>;

/** The largest block ONNX Runtime's own quantizer makes; for 2 bits the largest with an int8 kernel on the CPU. */
const LARGEST_BLOCK = { 2: 128, 3: 256, 4: 256, 8: 256 } as const satisfies Record<Bits, number>;
/** The smallest with such a kernel at every bit width. */
const SMALLEST_SPLIT = 32;

/**
 * The operator's block size. One group over all input features need not be one block padded to a power of two: several
 * blocks may repeat its scale. Returns the size that takes the fewest bytes (768 features of 4 bits: 396 bytes instead
 * of 516).
 */
export function storedBlockSize(quantized: Omit<QuantizedWeight, 'codes' | 'scales' | 'zeroPoints'>): number {
  const { inFeatures, bits, symmetric, blockSize } = quantized;
  if (blockSize < inFeatures) return blockSize;
  const rowBytes = (size: number) => {
    const blocks = Math.ceil(inFeatures / size);
    const zeroPoints = symmetric ? 0 : Math.ceil((blocks * OPERATOR[bits].bits) / 8);
    return (blocks * size * bits) / 8 + 4 * blocks + zeroPoints;
  };
  let best = Math.min(blockSize, LARGEST_BLOCK[bits]);
  for (let size = best / 2; size >= SMALLEST_SPLIT; size /= 2) if (rowBytes(size) < rowBytes(best)) best = size;
  return best;
}

/** The inputs of MatMulNBits; `blockSize` divides that of the weight. */
export function packWeight(quantized: QuantizedWeight, blockSize = storedBlockSize(quantized)): PackedWeight {
  const { inFeatures, outFeatures, bits, symmetric, codes } = quantized;
  const blocks = Math.ceil(inFeatures / blockSize);
  const groups = Math.ceil(inFeatures / quantized.blockSize);
  /** Index of the group that contains the block [out, block]. */
  const groupOf = (at: number) =>
    Math.floor(at / blocks) * groups + Math.floor(((at % blocks) * blockSize) / quantized.blockSize);
  const count = outFeatures * blocks;
  const scales = Float32Array.from({ length: count }, (_, at) => quantized.scales[groupOf(at)]!);
  const rows = { rows: outFeatures, columns: inFeatures, padding: 0 };
  const weight =
    bits === 3
      ? packThreeBits(packRows(codes, { ...rows, bits: 8, rowBytes: blocks * blockSize }))
      : tensorOf(
          'uint8',
          [outFeatures, blocks, (blockSize * bits) / 8],
          packRows(codes, { ...rows, bits, rowBytes: (blocks * blockSize * bits) / 8 }),
        );
  const packed = { blockSize, weight, scales: tensorOf('float32', [outFeatures, blocks], scales) };
  if (symmetric) return packed;
  const operator = OPERATOR[bits];
  if (quantized.zeroPoints instanceof Float32Array) {
    const between = scales.map((_, at) => quantized.zeroPoints[groupOf(at)]! + operator.shift);
    return { ...packed, zeroPoints: tensorOf('float32', [outFeatures, blocks], between) };
  }
  const rowBytes = Math.ceil((blocks * operator.bits) / 8);
  const zeroPoints = Uint8Array.from({ length: count }, (_, at) => quantized.zeroPoints[groupOf(at)]! + operator.shift);
  const points = packRows(zeroPoints, {
    rows: outFeatures,
    columns: blocks,
    bits: operator.bits,
    rowBytes,
    padding: 2 ** (operator.bits - 1),
  });
  return { ...packed, zeroPoints: tensorOf('uint8', [outFeatures, rowBytes], points) };
}

/** Packs each row of codes separately, low bits first; `padding` fills the row's last bytes. */
function packRows(
  codes: Uint8Array,
  layout: {
    readonly rows: number;
    readonly columns: number;
    readonly bits: number;
    readonly rowBytes: number;
    readonly padding: number;
  },
): Uint8Array {
  const { rows, columns, bits, rowBytes, padding } = layout;
  const perByte = 8 / bits;
  const bytes = new Uint8Array(rows * rowBytes);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < rowBytes * perByte; column++) {
      const code = column < columns ? codes[row * columns + column]! : padding;
      bytes[row * rowBytes + Math.floor(column / perByte)]! |= code << (bits * (column % perByte));
    }
  }
  return bytes;
}

/** The MatMulNBits node for a packed weight stored under `initializers`. */
export function matMulNBitsNode(options: {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly initializers: { readonly weight: string; readonly scales: string; readonly zeroPoints?: string };
  readonly quantized: WeightShape & GridFormat;
  readonly blockSize: number;
  readonly activations: Activations;
}) {
  const { name, input, output, initializers, quantized, blockSize, activations } = options;
  return createNode({
    op: 'MatMulNBits',
    domain: 'com.microsoft',
    name,
    inputs: [
      input,
      initializers.weight,
      initializers.scales,
      ...(initializers.zeroPoints === undefined ? [] : [initializers.zeroPoints]),
    ],
    outputs: [output],
    attributes: {
      K: int(quantized.inFeatures),
      N: int(quantized.outFeatures),
      bits: int(OPERATOR[quantized.bits].bits),
      block_size: int(blockSize),
      accuracy_level: int(ACCURACY_LEVEL[activations]),
    },
  });
}

/** The model with these linear layers' MatMuls replaced by MatMulNBits; their float32 weights are removed. */
export function withQuantizedLinears(
  model: Model,
  linears: Iterable<{ readonly linear: LinearRole; readonly quantized: QuantizedWeight }>,
  { activations }: { readonly activations: Activations },
): Model {
  let { onnx } = model;
  for (const { linear, quantized } of linears) {
    const packed = packWeight(quantized);
    const { node: name, input, output } = linear;
    const { blockSize, zeroPoints } = packed;
    const stored = {
      weight: `${linear.weight}.codes`,
      scales: `${linear.weight}.scales`,
      ...(zeroPoints && { zeroPoints: `${linear.weight}.zero_points` }),
    };
    let graph = addInitializers(onnx.graph, {
      [stored.weight]: packed.weight,
      [stored.scales]: packed.scales,
      ...(zeroPoints && { [stored.zeroPoints as string]: zeroPoints }),
    });
    const parts = { name, input, output, quantized, blockSize, activations };
    if (quantized.bits === 3) {
      const dims = [quantized.outFeatures, Math.ceil(quantized.inFeatures / blockSize), blockSize / 2];
      const unpacked = unpackThreeBitsNode(graph, { planes: stored.weight, dims });
      const initializers = { ...stored, weight: unpacked.codes };
      graph = replaceNode(unpacked.graph, name, [unpacked.node, matMulNBitsNode({ ...parts, initializers })]);
      onnx = withThreeBits(onnx, graph);
    } else {
      onnx = withGraph(onnx, replaceNode(graph, name, [matMulNBitsNode({ ...parts, initializers: stored })]));
    }
  }
  return model.withOnnx(withGraph(onnx, removeDeadCode(onnx.graph), { opsets: { 'com.microsoft': 1 } }));
}
