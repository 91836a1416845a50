/**
 * Which initializers are codes of quantized weights, how many weights they stand for and how many of them are zero.
 * A code is one parameter; it is zero when it equals its zero point, so that it dequantizes to 0. Scales, zero points,
 * index tables and padding codes beyond the last column are not counted.
 * Layouts: https://github.com/microsoft/onnxruntime/blob/v1.30.0/docs/ContribOperators.md and
 * https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html
 */
import { intAttribute } from '../../numerics/onnx/attributes.ts';
import type { Node } from '../../numerics/onnx/graph.ts';
import { DTYPES } from '../../numerics/tensor/dtype.ts';
import { elementCount, type NumericTensor, type Tensor } from '../../numerics/tensor/tensor.ts';

export interface ParameterCount {
  readonly parameters: number;
  readonly nonZero: number;
}

/** Input positions of operators that take quantized weights; `grid` are scales, zero points and index tables. */
interface Slots {
  readonly codes: number;
  readonly zeroPoint: number;
  readonly grid: readonly number[];
}

const SLOTS: Readonly<Record<string, Slots>> = {
  MatMulNBits: { codes: 1, zeroPoint: 3, grid: [2, 3, 4] },
  GatherBlockQuantized: { codes: 0, zeroPoint: 3, grid: [2, 3] },
  MatMulBnb4: { codes: 1, zeroPoint: -1, grid: [2] },
  DequantizeLinear: { codes: 0, zeroPoint: 2, grid: [1, 2] },
  DynamicQuantizeMatMul: { codes: 1, zeroPoint: 3, grid: [2, 3] },
  MatMulInteger: { codes: 1, zeroPoint: 3, grid: [2, 3] },
  MatMulIntegerToFloat: { codes: 1, zeroPoint: 5, grid: [2, 3, 4, 5] },
  QLinearMatMul: { codes: 3, zeroPoint: 5, grid: [1, 2, 4, 5, 6, 7] },
  QAttention: { codes: 1, zeroPoint: 7, grid: [3, 4, 6, 7] },
  QuantizeLinear: { codes: -1, zeroPoint: -1, grid: [1, 2] },
};

export type WeightUse = 'codes' | 'grid' | 'plain';

/** What a node uses its input at `position` as. */
export function useOfInput(node: Node, position: number): WeightUse {
  const slots = SLOTS[node.op];
  if (slots?.codes === position) return 'codes';
  return slots?.grid.includes(position) ? 'grid' : 'plain';
}

/** Counts the weights behind the codes that `node` reads; `lookUp` gives initializers by name. */
export function countCodes(
  node: Node,
  codes: NumericTensor,
  lookUp: (name: string) => Tensor | undefined,
): ParameterCount {
  const found = lookUp(node.inputs[SLOTS[node.op]?.zeroPoint ?? -1] ?? '');
  const zeroPoint = found === undefined || found.dtype === 'string' ? undefined : found;
  if (node.op === 'MatMulNBits') return countMatMulNBits(node, codes, zeroPoint);
  if (node.op === 'MatMulBnb4') return countMatMulBnb4(node, codes);
  if (node.op === 'GatherBlockQuantized') return countGatherBlockQuantized(node, codes, zeroPoint);
  const axis = node.op === 'DequantizeLinear' ? intAttribute(node, 'axis', 1) : -1;
  return countAgainst(codes, codes.dims, zeroPoint, axis, intAttribute(node, 'block_size', 0));
}

/** Codes uint8 [N, blocks, blockSize · bits / 8]; zero points uint8 [N, ceil(blocks · bits / 8)] or floats [N, blocks]. */
function countMatMulNBits(node: Node, codes: NumericTensor, zeroPoint: NumericTensor | undefined): ParameterCount {
  const columns = intAttribute(node, 'K');
  const rows = intAttribute(node, 'N');
  const bits = intAttribute(node, 'bits', 4);
  const blockSize = intAttribute(node, 'block_size');
  const blocks = Math.ceil(columns / blockSize);
  const rowBits = blocks * blockSize * bits;
  const packed = zeroPoint === undefined || zeroPoint.dtype === 'uint8';
  const zeroPointRowBits = Math.ceil((blocks * bits) / 8) * 8;
  let nonZero = 0;
  for (let n = 0; n < rows; n++) {
    for (let block = 0; block < blocks; block++) {
      let zero = 2 ** (bits - 1);
      if (zeroPoint !== undefined) {
        zero = packed
          ? readBits(zeroPoint.bytes, n * zeroPointRowBits + block * bits, bits)
          : readNumber(zeroPoint, n * blocks + block);
      }
      const end = Math.min(columns, (block + 1) * blockSize);
      for (let k = block * blockSize; k < end; k++) {
        if (readBits(codes.bytes, n * rowBits + k * bits, bits) !== zero) nonZero++;
      }
    }
  }
  return { parameters: rows * columns, nonZero };
}

/** FP4 codes ±0 (0, 8) and the NF4 code 7 are zero. */
function countMatMulBnb4(node: Node, codes: NumericTensor): ParameterCount {
  const parameters = intAttribute(node, 'K') * intAttribute(node, 'N');
  const zeros = intAttribute(node, 'quant_type', 1) === 0 ? [0, 8] : [7];
  let nonZero = 0;
  for (let i = 0; i < parameters; i++) if (!zeros.includes(readBits(codes.bytes, (i ^ 1) * 4, 4))) nonZero++;
  return { parameters, nonZero };
}

/** uint8 data hold 8 / bits codes per byte along the last axis, and so do their zero points. */
function countGatherBlockQuantized(
  node: Node,
  codes: NumericTensor,
  zeroPoint: NumericTensor | undefined,
): ParameterCount {
  const rank = codes.dims.length;
  const axis = intAttribute(node, 'quantize_axis', 1);
  const blockSize = intAttribute(node, 'block_size', 128);
  const bits = intAttribute(node, 'bits', 4);
  if (codes.dtype !== 'uint8' || bits === 8) {
    const implied = codes.dtype === 'uint8' ? 2 ** (bits - 1) : 0;
    return countAgainst(codes, codes.dims, zeroPoint, axis, blockSize, implied);
  }
  const dims = codes.dims.map((dim, i) => (i === rank - 1 ? (dim * 8) / bits : dim));
  const quantizeAxis = axis < 0 ? axis + rank : axis;
  const blocks = dims.map((dim, i) => (i === quantizeAxis ? Math.ceil(dim / blockSize) : dim));
  const rowLength = dims[rank - 1]!;
  const zeroRow = Math.ceil((blocks[rank - 1]! * bits) / 8) * 8;
  const parameters = elementCount(dims);
  let nonZero = 0;
  for (let i = 0; i < parameters; i++) {
    let zero = 2 ** (bits - 1);
    if (zeroPoint !== undefined) {
      const block = blockIndex(i, dims, blocks, quantizeAxis, blockSize);
      const length = blocks[rank - 1]!;
      zero = readBits(zeroPoint.bytes, Math.floor(block / length) * zeroRow + (block % length) * bits, bits);
    }
    // Rows of packed codes end on whole bytes, since their length is a multiple of 8 / bits.
    if (readBits(codes.bytes, Math.floor(i / rowLength) * rowLength * bits + (i % rowLength) * bits, bits) !== zero) {
      nonZero++;
    }
  }
  return { parameters, nonZero };
}

/** Codes with their own element type; zero points per tensor, along `axis`, or per block of it. */
function countAgainst(
  codes: NumericTensor,
  dims: readonly number[],
  zeroPoint: NumericTensor | undefined,
  axis: number,
  blockSize: number,
  implied = 0,
): ParameterCount {
  const parameters = elementCount(dims);
  const along = axis < 0 ? axis + dims.length : axis;
  const perTensor = zeroPoint === undefined || elementCount(zeroPoint.dims) === 1;
  const common = zeroPoint === undefined ? implied : readNumber(zeroPoint, 0);
  const blocks = dims.map((dim, i) => (i === along ? Math.ceil(dim / Math.max(1, blockSize)) : dim));
  const inner = elementCount(dims.slice(along + 1));
  let nonZero = 0;
  for (let i = 0; i < parameters; i++) {
    let zero = common;
    if (!perTensor) {
      const index =
        blockSize > 0 ? blockIndex(i, dims, blocks, along, blockSize) : Math.floor(i / inner) % dims[along]!;
      zero = readNumber(zeroPoint, index);
    }
    if (readNumber(codes, i) !== zero) nonZero++;
  }
  return { parameters, nonZero };
}

/** Flat index of the block that flat element `i` of `dims` lies in, blocks of `blockSize` along `axis`. */
function blockIndex(
  i: number,
  dims: readonly number[],
  blocks: readonly number[],
  axis: number,
  blockSize: number,
): number {
  const inner = elementCount(dims.slice(axis + 1));
  const length = dims[axis]!;
  const outer = Math.floor(i / (inner * length));
  const block = Math.floor((Math.floor(i / inner) % length) / blockSize);
  return (outer * blocks[axis]! + block) * inner + (i % inner);
}

/** `bits` (1 to 8) bits from bit offset `at`, low bits first; they do not cross a byte. */
function readBits(bytes: Uint8Array, at: number, bits: number): number {
  return (bytes[Math.floor(at / 8)]! >> (at % 8)) & (2 ** bits - 1);
}

/** Element `i` of a tensor; float16 and float8 give 0 for ±0 and their bits otherwise, enough to compare with zero. */
function readNumber(tensor: NumericTensor, i: number): number {
  const { bytes, dtype } = tensor;
  const { bits } = DTYPES[dtype];
  if (bits < 8) {
    const code = readBits(bytes, i * bits, bits);
    return dtype.startsWith('int') && code >= 2 ** (bits - 1) ? code - 2 ** bits : code;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (dtype === 'float32') return view.getFloat32(i * 4, true);
  if (dtype === 'int8') return view.getInt8(i);
  if (dtype === 'int16') return view.getInt16(i * 2, true);
  if (dtype === 'int32') return view.getInt32(i * 4, true);
  if (bits === 8) return dtype.startsWith('float8') ? view.getUint8(i) & 0x7f : view.getUint8(i);
  if (bits === 16) return dtype === 'uint16' ? view.getUint16(i * 2, true) : view.getUint16(i * 2, true) & 0x7fff;
  return view.getUint32(i * 4, true);
}
