import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { elements, type NumericTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import type { FeedSource } from '../../../engine/training/feed-source.ts';
import { maskTokens } from '../../../engine/training/mask-tokens.ts';

const BATCH = 40;
const SEQUENCE = 50;
const DIMS = [BATCH, SEQUENCE];
const options = { seed: 's', shares: [0.2], separator: 5, mask: 3, firstOrdinary: 10, vocabularySize: 1000 };

/** Every tenth token is special, the others are ordinary. */
const source: FeedSource = {
  shapes: { input_ids: DIMS, attention_mask: DIMS, labels: [BATCH] },
  at: (index) => ({
    input_ids: tensorOf(
      'int64',
      DIMS,
      BigInt64Array.from({ length: BATCH * SEQUENCE }, (_, at) =>
        BigInt(at % 10 === 0 ? 4 : 10 + ((at + index) % 990)),
      ),
    ),
    attention_mask: tensorOf('int64', DIMS, new BigInt64Array(BATCH * SEQUENCE).fill(1n)),
    labels: tensorOf('int64', [BATCH], new BigInt64Array(BATCH)),
  }),
};

function unpack(feeds: Readonly<Record<string, NumericTensor>>) {
  const ints = (name: string) => [...elements(feeds[name] as NumericTensor, 'int64')].map(Number);
  return {
    inputs: ints('input_ids'),
    targets: ints('targets'),
    weights: [...elements(feeds['target_weights'] as NumericTensor, 'float32')],
  };
}

describe('maskTokens', () => {
  const masked = maskTokens(source, options);

  it('has the original tokens as targets at the chosen positions only', () => {
    const { inputs, targets, weights } = unpack(masked.at(7));
    const original = [...elements(source.at(7)['input_ids'] as NumericTensor, 'int64')].map(Number);
    expect(targets).toEqual(original);
    for (const [at, weight] of weights.entries()) {
      expect([0, 1]).toContain(weight);
      if (weight === 0) expect(inputs[at]).toBe(original[at]);
    }
  });

  it('chooses only ordinary tokens, a fifth of them; masks 80 %, replaces 10 % and keeps 10 %', () => {
    const fates = { chosen: 0, masked: 0, kept: 0, ordinary: 0 };
    for (let index = 0; index < 20; index++) {
      const { inputs, targets, weights } = unpack(masked.at(index));
      for (const [at, target] of targets.entries()) {
        if (target < options.firstOrdinary) {
          expect(weights[at]).toBe(0);
          continue;
        }
        fates.ordinary++;
        if (weights[at] === 0) continue;
        fates.chosen++;
        const input = inputs[at] as number;
        if (input === options.mask) fates.masked++;
        else expect(input).toBeGreaterThanOrEqual(options.firstOrdinary);
        if (input === target) fates.kept++;
      }
    }
    // Five standard deviations of a binomial share.
    const near = (share: number, of: number, expected: number) =>
      expect(Math.abs(share / of - expected)).toBeLessThan(5 * Math.sqrt((expected * (1 - expected)) / of));
    near(fates.chosen, fates.ordinary, 0.2);
    near(fates.masked, fates.chosen, 0.8);
    near(fates.kept, fates.chosen, 0.1 + 0.1 / 990);
  });

  it('returns the same batch for the same index, in any order of calls, and others for other seeds', () => {
    const first = unpack(masked.at(3));
    masked.at(4);
    expect(unpack(masked.at(3))).toEqual(first);
    expect(unpack(maskTokens(source, { ...options, seed: 't' }).at(3)).inputs).not.toEqual(first.inputs);
  });

  it('chooses the given share of each segment', () => {
    // Token 4 begins every stretch of ten: the first stretch of a row is segment 1, and so on to 5.
    const split = maskTokens(source, { ...options, shares: [1, 0.5, 0.1], separator: 4 });
    const { targets, weights } = unpack(split.at(0));
    const chosen = [0, 0, 0, 0, 0];
    for (const [at, weight] of weights.entries()) {
      const stretch = Math.floor((at % SEQUENCE) / 10);
      if ((targets[at] as number) >= options.firstOrdinary) chosen[stretch] = (chosen[stretch] as number) + weight;
    }
    const each = BATCH * 9;
    expect((chosen[0] as number) / each).toBeCloseTo(0.5, 1);
    for (const count of chosen.slice(1)) expect(Math.abs(count / each - 0.1)).toBeLessThan(0.08);
  });

  it('keeps the other inputs of the batches', () => {
    expect(masked.shapes).toEqual({ ...source.shapes, targets: DIMS, target_weights: DIMS });
    expect(masked.at(0)['labels']).toEqual(source.at(0)['labels']);
    expect(Object.keys(masked.at(0)).sort()).toEqual(Object.keys(masked.shapes).sort());
  });

  it('refuses a share outside (0, 1] and batches without tokens', () => {
    expect(() => maskTokens(source, { ...options, shares: [0] })).toThrow(InputError);
    expect(() => maskTokens({ shapes: { labels: [BATCH] }, at: source.at }, options)).toThrow(/input_ids/);
  });
});
