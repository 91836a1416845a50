import { describe, expect, it } from 'vitest';
import { contentHash } from '../../../datasets/shared/content-hash.ts';
import { verifiedSplits } from '../../../datasets/shared/verified-splits.ts';
import type { Splits } from '../../../contracts/dataset.ts';
import { IntegrityError } from '../../../contracts/errors.ts';

const splits: Splits = {
  test: [{ id: 'a', text: 'one' }],
  validation: [{ id: 'b', text: 'two', label: 1 }],
  calibration: [],
  training: [{ id: 'c', text: 'three' }],
};

describe('contentHash', () => {
  it('changes with every text, id, label, order and split', () => {
    const changed: Splits[] = [
      splits,
      { ...splits, test: [{ id: 'a', text: 'one ' }] },
      { ...splits, test: [{ id: 'A', text: 'one' }] },
      { ...splits, validation: [{ id: 'b', text: 'two', label: 0 }] },
      { ...splits, validation: [{ id: 'b', text: 'two' }] },
      { ...splits, test: [], calibration: splits.test },
      { ...splits, training: [...splits.training, { id: 'd', text: 'four' }] },
      { ...splits, training: [{ id: 'd', text: 'four' }, ...splits.training] },
    ];
    expect(new Set(changed.map(contentHash)).size).toBe(changed.length);
    expect(contentHash(structuredClone(splits))).toBe(contentHash(splits));
  });
});

describe('verifiedSplits', () => {
  it('returns splits with the pinned hash', () => {
    expect(verifiedSplits({ id: 'toy', contentHash: contentHash(splits) }, splits)).toBe(splits);
  });

  it('refuses rows that are not the pinned ones, with both hashes', () => {
    const refuse = () => verifiedSplits({ id: 'toy', contentHash: 'ab'.repeat(32) }, splits);
    expect(refuse).toThrow(IntegrityError);
    expect(refuse).toThrow(`dataset toy: expected content hash ${'ab'.repeat(32)}, got ${contentHash(splits)}`);
  });

  it('accepts rows of the hub’s own files whatever their hash', () => {
    expect(verifiedSplits({ id: 'toy', contentHash: 'ab'.repeat(32) }, splits, { areHubFiles: true })).toBe(splits);
  });

  it('refuses a row that two splits share, whatever the hash', () => {
    const leaky = { ...splits, training: [{ id: 'x', text: 'ONE!' }] };
    const refuse = () => verifiedSplits({ id: 'toy', contentHash: contentHash(leaky) }, leaky);
    expect(refuse).toThrow(/training row x repeats test row a/);
  });
});
