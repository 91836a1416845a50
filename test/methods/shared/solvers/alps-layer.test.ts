import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { alpsLayer } from '../../../../methods/shared/solvers/alps-layer.ts';
import { sparsegptLayer } from '../../../../methods/shared/solvers/sparsegpt-layer.ts';
import type { Sparsity } from '../../../../methods/shared/solvers/sparsity.ts';
import { multiply } from '../../../../numerics/tensor/linear-algebra.ts';
import { layerError, layerProblem } from '../../../support/layer-problem.ts';
import { largestDifference } from '../../../support/run-model.ts';

interface Case {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly sparsity: Sparsity;
  readonly weight: string;
}

const golden = JSON.parse(
  readFileSync(new URL('../../../golden/alps.json', import.meta.url), 'utf8'),
) as readonly Case[];
const POSITIONS = 256;

/** As test/golden/scripts/alps.py makes them. */
const uniform = (i: number, seed: number) => 2 * (((i * (i + 3 + seed) * 7919 + seed * 104729) % 10007) / 10007) - 1;

function problem({ inFeatures: size, outFeatures }: Pick<Case, 'inFeatures' | 'outFeatures'>) {
  const weight = Float32Array.from({ length: size * outFeatures }, (_, i) => uniform(i, 1) ** 3);
  const sources = Float64Array.from({ length: POSITIONS * size }, (_, i) => uniform(i, 2));
  const mixing = Float64Array.from({ length: size * size }, (_, i) => uniform(i, 5) / (1 + ((i % size) % 6)));
  const inputs = multiply({ left: sources, right: mixing, rows: POSITIONS, inner: size, columns: size });
  const moment = new Float64Array(size * size);
  for (let row = 0; row < POSITIONS; row++)
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) moment[i * size + j]! += inputs[row * size + i]! * inputs[row * size + j]!;
  return { weight, moment };
}

describe('alpsLayer', () => {
  it.each(golden)(
    'gives the weights of the authors’ algorithm: $sparsity of $inFeatures × $outFeatures',
    async (of) => {
      const expected = new Float64Array(new Uint8Array(Buffer.from(of.weight, 'base64')).buffer);
      const pruned = await alpsLayer({ ...of, ...problem(of), damping: 0.01, where: 'layer' });
      expect(pruned.map((value) => (value === 0 ? 0 : 1))).toEqual(
        Float32Array.from(expected, (value) => (value === 0 ? 0 : 1)),
      );
      expect(largestDifference(pruned, expected)).toBeLessThan(1e-3);
    },
  );

  it.each([0.5, 0.7, '2:4'] as const)('has a smaller error than sparsegpt: %s', async (sparsity) => {
    const layer = layerProblem({ inFeatures: 96, outFeatures: 32 });
    const options = { ...layer, sparsity, damping: 0.01, where: 'layer' };
    const ours = layerError(layer, await alpsLayer(options));
    expect(ours).toBeLessThan(0.8 * layerError(layer, await sparsegptLayer({ ...options, blockSize: 128 })));
  });

  it('prunes a layer whose inputs are all zero by magnitude', async () => {
    const weight = Float32Array.of(1, -4, 2, 3);
    const options = { inFeatures: 2, outFeatures: 2, sparsity: 0.5, damping: 0.01, where: 'layer' };
    const pruned = await alpsLayer({ ...options, weight, moment: new Float64Array(4) });
    expect(largestDifference(pruned, [0, -4, 0, 3])).toBeLessThan(1e-5);
  });
});
