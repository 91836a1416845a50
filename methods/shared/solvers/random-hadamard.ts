/** Random orthogonal matrices that spread each feature over all others. */
import type { Random } from '../../../numerics/tensor/random.ts';

/**
 * A randomised Hadamard matrix, [size, size], orthonormal: diag(±1) (H ⊗ R), where H is Sylvester's matrix of the
 * largest power of two that divides the size. R is a random orthogonal matrix of the odd rest, [1] where there is none.
 * Ashkboos et al. 2024 (QuaRot), https://arxiv.org/abs/2404.00456, section 3, who take a known Hadamard matrix for R.
 */
export function randomHadamard(size: number, random: Random): Float64Array {
  let power = 1;
  while (size % (2 * power) === 0) power *= 2;
  const odd = size / power;
  const rest = randomOrthogonal(odd, random);
  const signs = Float64Array.from({ length: size }, () => (random.next() < 0.5 ? -1 : 1));
  return Float64Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    const sylvester = parity(Math.floor(i / odd) & Math.floor(j / odd)) === 0 ? 1 : -1;
    return (signs[i]! * sylvester * rest[(i % odd) * odd + (j % odd)]!) / Math.sqrt(power);
  });
}

/** Number of ones among the binary digits, modulo 2. */
function parity(bits: number): number {
  let odd = 0;
  for (let left = bits; left !== 0; left &= left - 1) odd ^= 1;
  return odd;
}

/** Rows of normal deviates, made orthonormal one after another; [size, size]. */
function randomOrthogonal(size: number, random: Random): Float64Array {
  const rows = Float64Array.from({ length: size * size }, () => random.normal());
  for (let i = 0; i < size; i++) {
    const row = rows.subarray(i * size, (i + 1) * size);
    // Twice, because the first pass leaves rounding errors.
    for (let j = 0; j < 2 * i; j++) {
      const other = rows.subarray((j % i) * size, ((j % i) + 1) * size);
      const share = row.reduce((sum, value, at) => sum + value * other[at]!, 0);
      other.forEach((value, at) => (row[at]! -= share * value));
    }
    const norm = Math.hypot(...row);
    row.forEach((value, at) => (row[at] = value / norm));
  }
  return rows;
}
