/**
 * Codes of few bits, packed without padding: one plane of bits for each binary digit. A model function reassembles the
 * codes; onnxruntime folds it into constants when it loads the file, so packed codes reduce the file's bytes and cost
 * neither time nor memory at run time.
 */
import { int, string } from '../../../numerics/onnx/attributes.ts';
import type { Node } from '../../../numerics/onnx/graph.ts';
import { DTYPES } from '../../../numerics/tensor/dtype.ts';
import { type NumericTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { bodyNode, constantNode } from './model-function.ts';

export interface PlaneLayout {
  /** Bits per code. */
  readonly bits: number;
  /** Codes in one unpacked number, the first in its low four bits. */
  readonly lanes: 1 | 2;
}

/**
 * uint8 [bits, lanes, ⌈count / 8 lanes⌉, 1]: bit j % 8 of byte [bit, lane, ⌊j / 8⌋] is that binary digit of code j ·
 * lanes + lane.
 * Bits past the last code are 0.
 */
export function packBitPlanes(codes: Uint8Array, { bits, lanes }: PlaneLayout): NumericTensor {
  const bytes = Math.ceil(codes.length / (8 * lanes));
  const planes = new Uint8Array(bits * lanes * bytes);
  codes.forEach((code, at) => {
    const j = Math.floor(at / lanes);
    const byte = (at % lanes) * bytes + (j >> 3);
    for (let place = 0; place < bits; place++) {
      planes[place * lanes * bytes + byte]! |= ((code >> place) & 1) << (j & 7);
    }
  });
  return tensorOf('uint8', [bits, lanes, bytes, 1], planes);
}

/** Nodes of a function body that compute `fields`, int32 [8 bytes], from its input `planes`. */
export function bitPlaneNodes({ bits, lanes }: PlaneLayout): readonly Node[] {
  const places = Uint8Array.from({ length: bits * lanes }, (_, at) => Math.floor(at / lanes) + 4 * (at % lanes));
  return [
    constantNode('shifts', tensorOf('uint8', [8], Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7))),
    constantNode('one', tensorOf('uint8', [], Uint8Array.of(1))),
    constantNode('places', tensorOf('uint8', [bits, lanes, 1, 1], places)),
    constantNode('axes', tensorOf('int64', [2], BigInt64Array.of(0n, 1n))),
    bodyNode('BitShift', ['planes', 'shifts'], 'shifted', { direction: string('RIGHT') }),
    bodyNode('BitwiseAnd', ['shifted', 'one'], 'bits'),
    bodyNode('BitShift', ['bits', 'places'], 'placed', { direction: string('LEFT') }),
    bodyNode('Cast', ['placed'], 'wide', { to: int(DTYPES.int32.code) }),
    bodyNode('ReduceSum', ['wide', 'axes'], 'sums', { keepdims: int(0) }), // [bytes, 8]
    constantNode('flat', tensorOf('int64', [1], BigInt64Array.of(-1n))),
    bodyNode('Reshape', ['sums', 'flat'], 'fields'),
  ];
}
