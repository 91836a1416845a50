/** Writes float32 tensors as a safetensors file; see safetensors.ts for the format. */
export interface FloatTensor {
  readonly dims: readonly number[];
  /** Row-major. */
  readonly values: Float32Array;
}

/** Alignment of the data, as the format requires. */
const ALIGNMENT = 8;

/** Writes the tensors in the order given, with the metadata that transformers requires. */
export function writeSafetensors(tensors: ReadonlyMap<string, FloatTensor>): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let size = 0;
  for (const [name, { dims, values }] of tensors) {
    header[name] = { dtype: 'F32', shape: dims, data_offsets: [size, size + values.byteLength] };
    size += values.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(json.byteLength / ALIGNMENT) * ALIGNMENT;
  const file = new Uint8Array(8 + headerBytes + size);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, 8 + json.byteLength, 8 + headerBytes); // blanks
  file.set(json, 8);
  let at = 8 + headerBytes;
  for (const { values } of tensors.values()) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return file;
}
