import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import method, { exchanged } from '../../../methods/pruning/dsnot.ts';
import type { Sparsity } from '../../../methods/shared/solvers/sparsity.ts';
import { methodContext } from '../../support/method-context.ts';
import { tinyGpt } from '../../support/tiny-model.ts';

interface Case {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly sparsity: Sparsity;
  readonly pruned: string;
}

const golden = JSON.parse(readFileSync(new URL('../../golden/dsnot.json', import.meta.url), 'utf8')) as readonly Case[];
const POSITIONS = 2048;

/** As test/golden/scripts/dsnot.py makes them. */
const uniform = (i: number, seed: number) => 2 * (((i * (i + 3 + seed) * 7919 + seed * 104729) % 10007) / 10007) - 1;

function problem({ inFeatures, outFeatures }: Pick<Case, 'inFeatures' | 'outFeatures'>) {
  const weight = Float32Array.from({ length: inFeatures * outFeatures }, (_, at) => {
    const v = uniform((at % outFeatures) * inFeatures + Math.floor(at / outFeatures), 1);
    return v * v * v;
  });
  const [means, squares] = [new Float64Array(inFeatures), new Float64Array(inFeatures)];
  for (let i = 0; i < POSITIONS * inFeatures; i++) {
    const input = i % inFeatures;
    const x = Math.fround(uniform(i, 2) * (1 + (input % 5)) + ((input % 7) - 3) / 8);
    means[input]! += x / POSITIONS;
    squares[input]! += (x * x) / POSITIONS;
  }
  const variances = squares.map((square, i) => square - means[i]! ** 2);
  return { weight, means, variances, norms: squares.map(Math.sqrt) };
}
const AUTHORS = { start: 'wanda', threshold: 0.1 } as const;

describe('exchanged', () => {
  it.each(golden)('prunes the same weights as the authors’ code: $sparsity of $outFeatures × $inFeatures', (of) => {
    const { weight, ...statistics } = problem(of);
    const expected = new Uint8Array(Buffer.from(of.pruned, 'base64')); // [out, in]
    const mask = exchanged(weight, { ...of, ...statistics, ...AUTHORS, exchanges: 12 / of.inFeatures });
    const pruned = expected.map((_, at) => {
      const [output, input] = [Math.floor(at / of.inFeatures), at % of.inFeatures];
      return 1 - mask[input * of.outFeatures + output]!;
    });
    expect(pruned).toEqual(expected);
  });

  it('brings the mean of each output nearer to that of the dense layer, at the same sparsity', () => {
    const shape = { inFeatures: 64, outFeatures: 12, sparsity: 0.5 } as const;
    const { weight, means, ...statistics } = problem(shape);
    const missing = (exchanges: number) => {
      const mask = exchanged(weight, { ...shape, ...statistics, means, ...AUTHORS, exchanges });
      expect(mask.filter((stays) => stays === 1)).toHaveLength(weight.length / 2);
      return Array.from({ length: 12 }, (_, output) =>
        Math.abs(
          means.reduce((sum, mean, i) => sum + (1 - mask[i * 12 + output]!) * mean * weight[i * 12 + output]!, 0),
        ),
      ).reduce((sum, error) => sum + error, 0);
    };
    expect(missing(1 / 64)).toBeLessThan(0.9 * missing(0));
  });
});

describe('the method dsnot', () => {
  it('prunes as many weights of each output as wanda does', async () => {
    const model = tinyGpt();
    const { context } = methodContext({ method, variant: 's50', model });
    const smaller = await method.compress(model, context);
    for (const linear of model.linears) {
      const { inFeatures, outFeatures } = linear;
      const zeros = Array.from({ length: outFeatures }, () => 0);
      smaller.weight(linear).forEach((value, at) => (zeros[at % outFeatures]! += value === 0 ? 1 : 0));
      expect(new Set(zeros)).toEqual(new Set([inFeatures / 2]));
    }
  });
});
