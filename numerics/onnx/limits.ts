/** Bounds on what a file may ask for, so that a hostile one ends in an InputError and not in a crash. */

/** Messages inside messages. Real graphs stay under 40 (If in If in Loop); the reader recurses once per level. */
export const MAX_NESTING_DEPTH = 100;

/**
 * Memory that decoding may take, weights in raw_data apart, which are not copied: a million empty nodes fit in 2 MB of file.
 * Node's heap holds at least 2 GiB on the machines this runs on, and an overfull heap ends the process. Real graphs take under 0.2 GiB.
 */
export const MAX_DECODED_BYTES = 1.5 * 2 ** 30;

/** What the parts of a file take once decoded, in bytes; measured with protobuf-es 2.17 on Node 24, rounded up. */
export const DECODED_BYTES = {
  message: 700,
  /** A text, or a number by itself. */
  field: 60,
  /** A number of a packed list of integers: at worst a bigint and its place in an array that is being grown. */
  packedInteger: 60,
  /** A number of a packed list of floats. */
  packedFloat: 24,
} as const;

/** Dimensions of a tensor. onnxruntime's and numpy's own bounds are of this size. */
export const MAX_RANK = 64;

/** Elements of a tensor: beyond 2^53 a number does not count exactly, beyond 2^48 no memory holds them. */
export const MAX_ELEMENTS = 2 ** 48;
