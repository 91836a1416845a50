import { describe, expect, it } from 'vitest';
import { choleskyPair, gram, matmul, thinSvd } from '../../../engine/runtime/linear-algebra.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';

const SIZE = 768;

function normal(rows: number, columns: number): Float64Array {
  const random = createRandom(`slow ${rows}x${columns}`);
  return Float64Array.from({ length: rows * columns }, () => random.normal());
}

/** Largest |a aᵀ - I| for rows, or |aᵀ a - I| for columns. */
async function deviation(a: Float64Array, of: 'rows' | 'columns'): Promise<number> {
  const shape = { rows: SIZE, inner: SIZE, columns: SIZE };
  const product = await matmul({
    left: a,
    right: a,
    ...shape,
    transposeLeft: of === 'columns',
    transposeRight: of === 'rows',
  });
  return product.reduce((most, value, at) => Math.max(most, Math.abs(value - (at % (SIZE + 1) === 0 ? 1 : 0))), 0);
}

describe('for matrices as wide as a small language model', () => {
  it.each([
    { name: 'normal', grade: 0 },
    { name: 'columns graded over twelve decades', grade: 12 },
  ])('thinSvd reconstructs to 1e-12 from factors orthogonal to 1e-12: $name', async ({ grade }) => {
    const a = normal(SIZE, SIZE).map((value, at) => value * 10 ** ((-grade * (at % SIZE)) / SIZE));
    const { u, s, vt } = await thinSvd(a, SIZE, SIZE);
    expect(await deviation(u, 'columns')).toBeLessThan(1e-12);
    expect(await deviation(vt, 'rows')).toBeLessThan(1e-12);
    const left = u.map((value, at) => value * s[at % SIZE]!);
    const back = await matmul({ left, right: vt, rows: SIZE, inner: SIZE, columns: SIZE, base: a, subtract: true });
    const norm = (values: Float64Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    expect(norm(back)).toBeLessThan(1e-12 * norm(a));
  });

  it('choleskyPair factors and inverts to 1e-13', async () => {
    const a = await gram(normal(2 * SIZE, SIZE), 2 * SIZE, SIZE);
    const { factor, inverse } = await choleskyPair(a, SIZE);
    const shape = { rows: SIZE, inner: SIZE, columns: SIZE };
    const rest = await matmul({ left: factor, right: factor, ...shape, transposeRight: true, base: a, subtract: true });
    expect(rest.reduce((most, value) => Math.max(most, Math.abs(value)), 0)).toBeLessThan(1e-13 * a[0]!);
    const identity = await matmul({ left: inverse, right: factor, ...shape });
    for (let i = 0; i < SIZE; i++) identity[i * (SIZE + 1)]! -= 1;
    expect(identity.reduce((most, value) => Math.max(most, Math.abs(value)), 0)).toBeLessThan(1e-12);
  });
});
