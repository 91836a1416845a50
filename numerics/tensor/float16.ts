/** IEEE 754 half precision as bit patterns, since JavaScript has no array type for it before Node 24. */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The bit pattern of the float16 nearest to a float32 value, ties to even; overflow gives infinity. */
export function toFloat16Bits(value: number): number {
  float[0] = value;
  const sign = (bits[0]! >>> 16) & 0x8000;
  const magnitude = bits[0]! & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 is halfway between the largest float16 and the next power of two.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below 2^-14 all steps are 2^-24; adding 0.5 lets float32 addition round to them.
    float[0] = Math.abs(value);
    float[0] += 0.5;
    return sign | (bits[0]! - 0x3f000000);
  }
  const tie = (magnitude >>> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + tie) >>> 13);
}

/** The value of a float16 bit pattern. */
export function fromFloat16Bits(pattern: number): number {
  const sign = pattern & 0x8000 ? -1 : 1;
  const exponent = (pattern >>> 10) & 0x1f;
  const fraction = pattern & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
