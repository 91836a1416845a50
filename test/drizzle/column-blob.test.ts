import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { packColumns, unpackColumns } from '../../drizzle/column-blob.ts';
import { IntegrityError } from '../../contracts/errors.ts';
import { createRandom } from '../../numerics/tensor/random.ts';

describe('packColumns', () => {
  it('round-trips strings, counts and floats to the last bit', () => {
    const random = createRandom('columns');
    const columns = {
      ids: ['', 'a\0b', 'é\u2028"', '1'],
      counts: [0, 1, 2 ** 32 - 1, 77],
      large: [2 ** 32, 2 ** 53 - 1, 0, 1],
      floats: [0.1 + 0.2, -1e-308, 5e-324, Number.MAX_VALUE],
      signed: [-0, -1, 0, 1],
      special: [NaN, Infinity, -Infinity, 1],
      none: [],
      long: Array.from({ length: 5000 }, () => random.normal()),
    };
    expect(unpackColumns(packColumns(columns))).toEqual(columns);
  });

  it('takes fewer bytes than the raw numbers', () => {
    const random = createRandom('columns');
    const counts = Array.from({ length: 10_000 }, () => random.integer(300));
    expect(packColumns({ counts }).length).toBeLessThan(10_000 * 1.3);
  });

  it('reports a truncated blob', () => {
    const layout = JSON.stringify([{ name: 'floats', type: 'f64', length: 3 }]);
    const blob = zstdCompressSync(Buffer.from(`${layout}\0tooshort`));
    expect(() => unpackColumns(blob)).toThrow(IntegrityError);
  });
});
