import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { buildGpt } from '../../../models/shared/gpt-graph.ts';
import { initialGptWeights, readGptWeights } from '../../../models/shared/gpt-weights.ts';
import { storedWeights } from '../../../models/shared/weight-reading.ts';
import { formulaWeight } from '../../support/formula-weight.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt, tinyGptParts } from '../../support/tiny-model.ts';
import { gptReference } from '../../support/transformer-reference.ts';

const random = createRandom('gpt-graph');
const tokens = (count: number): number[] => Array.from({ length: count }, () => random.integer(64));

describe('buildGpt', () => {
  it.each([
    ['two layers', {}],
    ['one head', { heads: 1, layers: 1 }],
    ['a head per feature', { heads: 32, hiddenWidth: 20 }],
  ])('agrees with the float64 forward pass: %s', async (_, options) => {
    const { config, weights } = tinyGptParts(options);
    const ids = tokens(config.contextLength);
    const logits = await logitsOf(tinyGpt(options), [ids]);
    expect(largestDifference(logits, gptReference(config, weights, ids).flat())).toBeLessThan(2e-5);
  });

  it('agrees with PyTorch', async () => {
    const golden = JSON.parse(
      readFileSync(new URL('../../golden/transformers.json', import.meta.url), 'utf8'),
    ) as Record<'gpt', number[]> & { config: Parameters<typeof readGptWeights>[0]; tokens: number[][] };
    const model = buildGpt('golden', golden.config, readGptWeights(golden.config, formulaWeight));
    expect(largestDifference(await logitsOf(model, golden.tokens), golden.gpt)).toBeLessThan(2e-5);
  });

  it('lets no position see a later one, for any length of the sequence', async () => {
    const ids = tokens(32);
    const whole = await logitsOf(tinyGpt(), [ids]);
    for (const length of [1, 7, 31]) {
      const cut = await logitsOf(tinyGpt(), [ids.slice(0, length)]);
      expect(largestDifference(cut, whole.subarray(0, length * 64))).toBeLessThan(1e-5);
    }
  });

  it('refuses sequences beyond the context', async () => {
    await expect(logitsOf(tinyGpt(), [tokens(33)])).rejects.toThrow(InputError);
  });

  it('has roles whose nodes, weights and biases are in the graph', () => {
    const { linears, onnx, roles } = tinyGpt();
    expect(linears.map(({ role }) => role)).toEqual(
      ['layers.0', 'layers.1'].flatMap((layer) => ['q', 'k', 'v', 'o', 'up', 'down'].map((part) => `${layer}.${part}`)),
    );
    for (const { node, input, weight, output, bias = '', outFeatures } of linears) {
      const found = onnx.graph.nodes.find(({ name }) => name === node);
      expect(found).toMatchObject({ op: 'MatMul', inputs: [input, weight], outputs: [output] });
      expect(onnx.graph.initializers.get(bias)?.dims).toEqual([outFeatures]);
      expect(onnx.graph.nodes.some(({ op, inputs }) => op === 'Add' && inputs.join() === `${output},${bias}`)).toBe(
        true,
      );
    }
    expect(roles.head).toBeUndefined();
    expect(onnx.graph.nodes.filter(({ domain }) => domain !== '')).toEqual([]);
  });

  it('can be rebuilt from the initializers of its own graph', async () => {
    const { config } = tinyGptParts();
    const model = tinyGpt();
    const again = buildGpt('again', config, readGptWeights(config, storedWeights(model.onnx.graph.initializers)));
    const ids = [tokens(8)];
    expect(await logitsOf(again, ids)).toEqual(await logitsOf(model, ids));
    const wider = { ...config, width: 64 };
    expect(() => readGptWeights(wider, storedWeights(model.onnx.graph.initializers))).toThrow(
      /embedding.weight: expected float32\[64, 64\], got/,
    );
  });

  it('refuses heads that do not divide the width and weights of another number of layers', () => {
    const { config, weights } = tinyGptParts();
    expect(() => buildGpt('odd', { ...config, heads: 5 }, weights)).toThrow(/odd: 5 heads must divide the width 32/);
    expect(() => buildGpt('odd', { ...config, layers: 3 }, weights)).toThrow(InputError);
  });
});

describe('initialGptWeights', () => {
  const config = { ...tinyGptParts().config, layers: 8 };
  const { embedding, positions, layers, finalNorm } = initialGptWeights(config, createRandom(1));
  const deviation = (values: Float32Array): number =>
    Math.sqrt(values.reduce((total, value) => total + value * value, 0) / values.length);

  it('draws deviations of 0.02, a quarter of it where 8 layers write to the residual stream', () => {
    for (const values of [embedding, positions, ...layers.flatMap(({ q, up }) => [q.weight, up.weight])]) {
      expect(deviation(values)).toBeGreaterThan(0.0185);
      expect(deviation(values)).toBeLessThan(0.0215);
    }
    for (const values of layers.flatMap(({ o, down }) => [o.weight, down.weight])) {
      expect(deviation(values)).toBeGreaterThan(0.0185 / 4);
      expect(deviation(values)).toBeLessThan(0.0215 / 4);
    }
    expect(new Set(finalNorm.weight)).toEqual(new Set([1]));
    expect(new Set([...finalNorm.bias, ...layers.flatMap(({ q }) => [...q.bias])])).toEqual(new Set([0]));
  });

  it('draws the same weights for the same seed, each independently', () => {
    expect(initialGptWeights(config, createRandom(1))).toEqual(initialGptWeights(config, createRandom(1)));
    expect(initialGptWeights(config, createRandom(2)).embedding).not.toEqual(embedding);
    expect(layers[0]?.q.weight).not.toEqual(layers[0]?.k.weight);
  });
});
