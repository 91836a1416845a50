import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../harness/tensor/random.ts';
import { leastSquares } from '../../../methods/shared/least-squares.ts';

const random = createRandom('least-squares');
const draw = (length: number) => Float64Array.from({ length }, () => random.normal());

describe('leastSquares', () => {
  it('solves the least squares held near the old weight, and is never worse than it', async () => {
    const [rows, inFeatures, outFeatures] = [40, 6, 4];
    for (let attempt = 0; attempt < 10; attempt++) {
      const [x, t] = [draw(rows * inFeatures), draw(rows * outFeatures)];
      const weight = Float32Array.from(draw(inFeatures * outFeatures));
      const product = (b: Float64Array, columns: number) =>
        Float64Array.from({ length: inFeatures * columns }, (_, at) => {
          const [i, j] = [Math.floor(at / columns), at % columns];
          return Array.from(
            { length: rows },
            (__, row) => (x[row * inFeatures + i] as number) * (b[row * columns + j] as number),
          ).reduce((a, c) => a + c);
        });
      const [moment, cross] = [product(x, inFeatures), product(t, outFeatures)];
      const found = await leastSquares({ weight, inFeatures, outFeatures, moment, cross });
      const error = (of: Float32Array) => {
        let sum = 0;
        for (let row = 0; row < rows; row++)
          for (let out = 0; out < outFeatures; out++) {
            let value = -(t[row * outFeatures + out] as number);
            for (let i = 0; i < inFeatures; i++)
              value += (x[row * inFeatures + i] as number) * (of[i * outFeatures + out] as number);
            sum += value ** 2;
          }
        return sum;
      };
      expect(error(found)).toBeLessThanOrEqual(error(weight));
      const hold =
        (1e-5 * Array.from({ length: inFeatures }, (_, i) => moment[i * 7] as number).reduce((a, b) => a + b)) /
        inFeatures;
      for (let i = 0; i < inFeatures; i++) {
        for (let out = 0; out < outFeatures; out++) {
          const at = i * outFeatures + out;
          let left = hold * ((found[at] as number) - (weight[at] as number)) - (cross[at] as number);
          for (let j = 0; j < inFeatures; j++)
            left += (moment[i * inFeatures + j] as number) * (found[j * outFeatures + out] as number);
          expect(Math.abs(left)).toBeLessThan(1e-4);
        }
      }
    }
  });

  it('keeps the old weight where there is nothing to go by', async () => {
    const weight = Float32Array.from(draw(6));
    const nothing = { moment: new Float64Array(9), cross: new Float64Array(6), inFeatures: 3, outFeatures: 2 };
    expect(await leastSquares({ weight, ...nothing })).toEqual(weight);
  });
});
