import { describe, expect, it } from 'vitest';
import type { DatasetRow, Splits } from '../../../contracts/dataset.ts';
import {
  dropLeakedRows,
  dropRepeatedRows,
  findExactLeaks,
  findLeaks,
  NEAR_DUPLICATE_CONTAINMENT,
  normalizedWords,
} from '../../../datasets/shared/leak-guard.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';

const random = createRandom('leak-guard');
/** Words no other text has. */
const words = (count: number): string[] => Array.from({ length: count }, () => `w${random.integer(2 ** 32)}`);
const text = (count = 100): string => words(count).join(' ');

function splits(parts: Partial<Record<keyof Splits, readonly string[]>>): Splits {
  const rows = (split: keyof Splits) =>
    [text(), ...(parts[split] ?? []), text()].map((content, index) => ({ id: `${split}-${index}`, text: content }));
  return {
    test: rows('test'),
    validation: rows('validation'),
    calibration: rows('calibration'),
    training: rows('training'),
  };
}

describe('normalizedWords', () => {
  it('drops case, punctuation, white space and compatibility forms', () => {
    expect(normalizedWords('  “Don’t!” she\n\tSAID — ﬁne, Ｎo. 3 ')).toEqual([
      'don',
      't',
      'she',
      'said',
      'fine',
      'no',
      '3',
    ]);
    expect(normalizedWords('Ünïcode Ωmega 日本')).toEqual(['ünïcode', 'ωmega', '日本']);
    expect(normalizedWords(' ... ')).toEqual([]);
  });

  it('keeps characters that distinguish sums or prices', () => {
    expect(normalizedWords('What is 7 - 5?')).toEqual(['what', 'is', '7', '-', '5']);
    expect(normalizedWords('What is 7 + 5?')).toEqual(['what', 'is', '7', '+', '5']);
    expect(normalizedWords('$5 a well-made film - 3*2')).toEqual([
      '$',
      '5',
      'a',
      'well',
      'made',
      'film',
      '3',
      '*',
      '2',
    ]);
  });
});

describe('findLeaks', () => {
  it('finds nothing in splits that share nothing', () => {
    expect(findLeaks(splits({}))).toEqual([]);
  });

  it('finds a row of the test split in each of the others', () => {
    const planted = text();
    for (const split of ['validation', 'calibration', 'training'] as const) {
      expect(findLeaks(splits({ test: [planted], [split]: [planted] }))).toEqual([
        { kind: 'exact', heldOut: { split: 'test', id: 'test-1' }, seen: { split, id: `${split}-1` }, containment: 1 },
      ]);
    }
  });

  it('finds a row that differs in case, punctuation and white space only', () => {
    const leaks = findExactLeaks(
      splits({ validation: ['One day, Lily went out.'], training: ['  one DAY lily\nwent out!'] }),
    );
    expect(leaks).toHaveLength(1);
    expect(leaks[0]).toMatchObject({ kind: 'exact', heldOut: { split: 'validation' }, seen: { split: 'training' } });
  });

  it('ignores repeats within one split', () => {
    const planted = text();
    expect(findLeaks(splits({ training: [planted, planted] }))).toEqual([]);
  });

  it('finds a row with a few words changed, and a short row inside a long one', () => {
    const original = words(120);
    const edited = original.with(30, 'changed').with(90, 'changed');
    const [edit] = findLeaks(splits({ test: [original.join(' ')], calibration: [edited.join(' ')] }));
    // Each changed word breaks 13 of the 108 shingles.
    expect(edit).toMatchObject({ kind: 'near', containment: (108 - 26) / 108 });
    const [part] = findLeaks(splits({ test: [original.slice(40, 80).join(' ')], training: [original.join(' ')] }));
    expect(part).toMatchObject({ kind: 'near', heldOut: { id: 'test-1' }, seen: { id: 'training-1' }, containment: 1 });
  });

  it('lets rows share less than the threshold', () => {
    const opening = words(40);
    const withOpening = (): string => [...opening, ...words(120)].join(' ');
    const shared = 28 / 148;
    expect(shared).toBeLessThan(NEAR_DUPLICATE_CONTAINMENT);
    expect(findLeaks(splits({ test: [withOpening()], training: [withOpening()] }))).toEqual([]);
  });

  it('compares whole rows: second segments and choices too, and no labels', () => {
    const premise = text(40);
    const rows = (test: Partial<DatasetRow>, training: Partial<DatasetRow>): Splits => ({
      test: [{ id: 'a', text: premise, ...test }],
      validation: [],
      calibration: [],
      training: [{ id: 'b', text: premise, ...training }],
    });
    expect(findLeaks(rows({ pair: 'He left.' }, { pair: 'He stayed.' }))).toEqual([]);
    expect(findLeaks(rows({ pair: 'He left.', label: 0 }, { pair: 'he left', label: 1 }))).toHaveLength(1);
    expect(findLeaks(rows({ choices: [' one', ' two'] }, { choices: [' two', ' one'] }))).toHaveLength(1);
    expect(findLeaks(rows({ choices: [' one', ' two'] }, { choices: [' one', ' six'] }))).toEqual([]);
    const statement = text(30);
    expect(findLeaks(rows({ pair: statement }, { pair: `${statement} indeed` }))).toMatchObject([{ kind: 'near' }]);
  });

  it('compares rows shorter than a shingle as a whole', () => {
    const short = words(5).join(' ');
    expect(findLeaks(splits({ test: [short], training: [`${short} more`] }))).toEqual([]);
    expect(findLeaks(splits({ test: [short], training: [short.toUpperCase()] }))).toHaveLength(1);
  });
});

describe('dropRepeatedRows', () => {
  it('keeps a repeated row in the split that comes first', () => {
    const [a, b] = [text(), text()];
    const dropped = dropRepeatedRows(splits({ test: [a], validation: [b], calibration: [a], training: [a, b, b] }));
    const ids = (split: keyof Splits): string[] => dropped[split].map(({ id }) => id);
    expect(ids('test')).toEqual(['test-0', 'test-1', 'test-2']);
    expect(ids('validation')).toEqual(['validation-0', 'validation-1', 'validation-2']);
    expect(ids('calibration')).toEqual(['calibration-0', 'calibration-2']);
    expect(ids('training')).toEqual(['training-0', 'training-4']);
    expect(findExactLeaks(dropped)).toEqual([]);
  });

  it('also drops a row that mostly repeats another, which dropLeakedRows does not', () => {
    const original = text();
    const both = splits({ test: [original], training: [`${original} and more`] });
    expect(dropRepeatedRows(both)).toEqual(both);
    expect(dropLeakedRows(both).training.map(({ id }) => id)).toEqual(['training-0', 'training-2']);
  });
});
