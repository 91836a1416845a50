import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { buildBert } from '../../../models/shared/bert-graph.ts';
import { initialBertWeights, readBertWeights } from '../../../models/shared/bert-weights.ts';
import { formulaWeight } from '../../support/formula-weight.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyBert, tinyBertParts } from '../../support/tiny-model.ts';
import { bertReference } from '../../support/transformer-reference.ts';

const random = createRandom('bert-graph');
const tokens = (count: number): number[] => Array.from({ length: count }, () => random.integer(64));

describe('buildBert', () => {
  it.each([
    ['two layers', {}],
    ['one head, two classes', { heads: 1, layers: 1, classes: 2 }],
    ['a narrow feed-forward block', { hiddenWidth: 8 }],
  ])('agrees with the float64 forward pass, with and without padding: %s', async (_, options) => {
    const { config, weights } = tinyBertParts(options);
    const ids = tokens(config.contextLength);
    for (const seen of [config.contextLength, 20, 1]) {
      const mask = ids.map((_token, at) => (at < seen ? 1 : 0));
      const logits = await logitsOf(tinyBert(options), [ids], [mask]);
      expect(largestDifference(logits, bertReference(config, weights, { tokens: ids, mask }))).toBeLessThan(2e-5);
    }
  });

  it('agrees with PyTorch', async () => {
    const golden = JSON.parse(readFileSync(new URL('../../golden/transformers.json', import.meta.url), 'utf8')) as {
      bert: number[];
      config: Parameters<typeof readBertWeights>[0];
      classes: number;
      tokens: number[][];
      mask: number[][];
    };
    const config = { ...golden.config, classes: golden.classes };
    const model = buildBert('golden', config, readBertWeights(config, formulaWeight));
    expect(largestDifference(await logitsOf(model, golden.tokens, golden.mask), golden.bert)).toBeLessThan(5e-6);
  });

  it('gives padding no influence', async () => {
    const ids = tokens(12);
    const alone = await logitsOf(tinyBert(), [ids]);
    const padded = [...ids, ...tokens(9)];
    const mask = padded.map((_token, at) => (at < 12 ? 1 : 0));
    expect(largestDifference(await logitsOf(tinyBert(), [padded], [mask]), alone)).toBeLessThan(1e-6);
    expect(largestDifference(await logitsOf(tinyBert(), [padded]), alone)).toBeGreaterThan(1e-3);
  });

  it('stays finite where all positions are padding', async () => {
    const logits = await logitsOf(tinyBert(), [tokens(5)], [[0, 0, 0, 0, 0]]);
    expect(logits.every(Number.isFinite)).toBe(true);
  });

  it('has roles for blocks, pooler and classifier', () => {
    const { kind, roles, onnx } = tinyBert();
    expect(kind).toBe('encoder');
    expect(roles.pooler).toMatchObject({ node: 'pooler', inFeatures: 32, outFeatures: 32, bias: 'pooler.bias' });
    expect(roles.head).toMatchObject({ node: 'classifier', inFeatures: 32, outFeatures: 3, bias: 'classifier.bias' });
    expect(onnx.graph.outputs.map(({ name, type }) => [name, type])).toEqual([
      ['logits', { kind: 'tensor', dtype: 'float32', dims: ['batch', 3] }],
    ]);
    expect(onnx.graph.nodes.filter(({ domain }) => domain !== '')).toEqual([]);
  });

  it('refuses sequences beyond the context and heads that do not divide the width', async () => {
    await expect(logitsOf(tinyBert(), [tokens(33)])).rejects.toThrow(InputError);
    const { config, weights } = tinyBertParts();
    expect(() => buildBert('odd', { ...config, heads: 5 }, weights)).toThrow(/odd: 5 heads must divide the width 32/);
  });
});

describe('initialBertWeights', () => {
  it('draws deviations of 0.02 everywhere and starts with equal class probabilities', async () => {
    const { config } = tinyBertParts();
    const weights = initialBertWeights(config, createRandom(1));
    for (const { weight } of [weights.pooler, ...weights.layers.flatMap(({ o, down }) => [o, down])]) {
      const deviation = Math.sqrt(weight.reduce((total, value) => total + value * value, 0) / weight.length);
      expect(deviation).toBeGreaterThan(0.0185);
      expect(deviation).toBeLessThan(0.0215);
    }
    const logits = await logitsOf(buildBert('fresh', config, weights), [tokens(9)]);
    expect(largestDifference(logits, [0, 0, 0])).toBeLessThan(0.05);
  });
});
