/** Bounds on what a file may ask for, so that a hostile one ends in an InputError and not in a crash. */

/** Messages inside messages. Real graphs stay under 40 (If in If in Loop); the reader recurses once per level. */
export const MAX_NESTING_DEPTH = 100;

/** Messages, texts and numbers a file may hold. The largest models have about 10^6; each costs up to 200 bytes in memory. */
export const MAX_ITEMS = 20_000_000;

/** Numbers kept one by one (float_data, int64_data …; raw_data has no such bound). 2^27 of them are already 2 GiB in memory. */
export const MAX_TYPED_NUMBERS = 2 ** 27;

/** Dimensions of a tensor. onnxruntime's and numpy's own bounds are of this size. */
export const MAX_RANK = 64;

/** Elements of a tensor: beyond 2^53 a number does not count exactly, beyond 2^48 no memory holds them. */
export const MAX_ELEMENTS = 2 ** 48;
