import { describe, expect, it } from 'vitest';
import { splitTraining } from '../../../datasets/shared/train-splits.ts';

const rows = Array.from({ length: 60 }, (_, index) => ({
  id: `train-${String(index).padStart(2, '0')}`,
  text: `premise ${Math.floor(index / 3)}`,
  pair: `statement ${index}`,
}));

describe('splitTraining', () => {
  const sizes = { dataset: 'toy', validation: 7, calibration: 10 };
  const splits = splitTraining(rows, sizes);

  it('uses every row once, in its order', () => {
    const used = [...splits.validation, ...splits.calibration, ...splits.training];
    expect(used.map(({ id }) => id).sort()).toEqual(rows.map(({ id }) => id));
    for (const split of Object.values(splits))
      expect(split.map(({ id }) => id)).toEqual(split.map(({ id }) => id).sort());
  });

  it('keeps rows of one text together, and takes as many texts as the sizes require', () => {
    expect(splits.validation).toHaveLength(9);
    expect(splits.calibration).toHaveLength(12);
    const texts = Object.values(splits).map((split) => new Set(split.map(({ text }) => text)).size);
    expect(texts.reduce((sum, count) => sum + count)).toBe(20);
  });

  it('depends only on the name of the dataset', () => {
    expect(splitTraining(rows, sizes)).toEqual(splits);
    expect(splitTraining(rows, { ...sizes, dataset: 'other' })).not.toEqual(splits);
  });
});
