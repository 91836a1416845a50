/** Limits on a file's contents, so that a malicious file causes an InputError and not a crash. */

/** Nesting depth of messages. Real graphs stay below 40 (If in If in Loop); the reader recurses once per level. */
export const MAX_NESTING_DEPTH = 100;

/**
 * Memory that decoding may take, except weights in raw_data, which are not copied: a million empty nodes fit in 2 MB of
 * file.
 * Node's heap is at least 2 GiB on the supported machines, and exceeding it ends the process. Real graphs take less
 * than 0.2 GiB.
 */
export const MAX_DECODED_BYTES = 1.5 * 2 ** 30;

/** Memory of the parts of a decoded file, in bytes; measured with protobuf-es 2.17 on Node 24, rounded up. */
export const DECODED_BYTES = {
  message: 700,
  /** A string, or a single number. */
  field: 60,
  /** A number of a packed list of integers: at worst a bigint and its slot in a growing array. */
  packedInteger: 60,
  /** A number of a packed list of floats. */
  packedFloat: 24,
} as const;

/** Dimensions of a tensor. onnxruntime and numpy have similar limits. */
export const MAX_RANK = 64;

/** Elements of a tensor: beyond 2^53 a number is inexact, and no memory holds 2^48. */
export const MAX_ELEMENTS = 2 ** 48;
