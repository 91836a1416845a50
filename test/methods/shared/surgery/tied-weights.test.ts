import { describe, expect, it } from 'vitest';
import { elements, tensorOf } from '../../../../numerics/tensor/tensor.ts';
import {
  cycledLayers,
  mergedWeight,
  neighbouringLayers,
  tiedLinears,
  withTiedWeights,
} from '../../../../methods/shared/surgery/tied-weights.ts';
import { largestDifference, logitsOf } from '../../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama } from '../../../support/tiny-model.ts';

const rows = [[1, 9, 17, 4, 33, 60]];

describe('neighbouringLayers, cycledLayers', () => {
  it('divide the layers into the given number of sets', () => {
    expect(neighbouringLayers(5, 2)).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
    expect(neighbouringLayers(6, 4)).toEqual([[0, 1], [2], [3, 4], [5]]);
    expect(neighbouringLayers(4, 1)).toEqual([[0, 1, 2, 3]]);
    expect(neighbouringLayers(2, 5)).toEqual([[0], [1]]);
    expect(cycledLayers(5, 3)).toEqual([[0, 3], [1, 4], [2]]);
    expect(cycledLayers(4, 1)).toEqual([[0, 1, 2, 3]]);
  });
});

describe.each(
  [tinyLlama({ layers: 4 }), tinyGpt({ layers: 4 }), tinyBert({ layers: 4 })].map(
    (model) => [model.id, model] as const,
  ),
)('withTiedWeights on %s', (_, model) => {
  const groups = neighbouringLayers(4, 2);

  it.each(['all', 'attention', 'feed-forward'] as const)(
    'computes with the merged weights and stores them once: %s',
    async (share) => {
      for (const merge of ['average', 'first'] as const) {
        const linears = tiedLinears(model, groups, share);
        const tied = withTiedWeights(model, linears, merge);
        let expected = model;
        for (const group of linears) {
          const weight = mergedWeight(model, group, merge);
          for (const linear of group) {
            expected = expected.withWeight(
              linear,
              tensorOf('float32', [linear.inFeatures, linear.outFeatures], weight),
            );
          }
        }
        expect(largestDifference(await logitsOf(tied, rows), await logitsOf(expected, rows))).toBe(0);
        const before = model.onnx.graph.initializers.size;
        expect(tied.onnx.graph.initializers.size).toBe(
          before - linears.reduce((sum, group) => sum + group.length - 1, 0),
        );
        for (const [index, linear] of tied.linears.entries()) {
          expect(tied.weight(linear)).toEqual(
            expected.weight(expected.linears[index] as (typeof model.linears)[number]),
          );
        }
      }
    },
  );

  it('changes nothing where the layers were already equal', async () => {
    let twins = model;
    for (const group of tiedLinears(model, groups, 'all')) {
      const weight = model.weight(group[0] as (typeof group)[number]);
      for (const linear of group)
        twins = twins.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], weight));
    }
    const tied = withTiedWeights(twins, tiedLinears(twins, groups, 'all'), 'average');
    expect(largestDifference(await logitsOf(tied, rows), await logitsOf(twins, rows))).toBe(0);
  });
});

describe('mergedWeight', () => {
  it('is the mean, or the first', () => {
    const model = tinyGpt();
    const linears = model.roles.layers.map(({ q }) => q);
    const [a, b] = linears.map((linear) => model.weight(linear)) as [Float32Array, Float32Array];
    expect(mergedWeight(model, linears, 'first')).toEqual(a);
    const mean = mergedWeight(model, linears, 'average');
    expect(
      largestDifference(
        mean,
        a.map((value, at) => (value + (b[at] as number)) / 2),
      ),
    ).toBeLessThan(1e-7);
    expect(elements(model.onnx.graph.initializers.get(linears[0]?.weight as string) as never, 'float32')).toEqual(a);
  });
});
