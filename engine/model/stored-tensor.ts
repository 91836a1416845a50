/** Where a tensor's elements are in a file, independent of the file's format. */

/** Bytes per element of the format's types. */
export const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};

export interface StoredTensor {
  readonly dtype: string;
  readonly dims: readonly number[];
  /** Bytes [start, end) of the file. */
  readonly start: number;
  readonly end: number;
}
