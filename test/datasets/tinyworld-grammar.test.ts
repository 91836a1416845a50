import { beforeAll, describe, expect, it } from 'vitest';
import { tinyWorldCorpus } from '../../datasets/shared/tinyworld/corpus.ts';
import { PHENOMENON_IDS } from '../../datasets/shared/tinyworld/grammar.ts';
import grammar from '../../datasets/tinyworld-grammar.ts';
import type { DatasetRow } from '../../contracts/dataset.ts';
import { cachedHub } from '../support/hub-cache.ts';
import { sentencesOf } from '../support/story-reader.ts';

describe('tinyworld-grammar', () => {
  let rows: readonly DatasetRow[];
  beforeAll(async () => {
    rows = (await grammar.load(cachedHub())).test;
  });
  const lastSentence = ({ text, choices }: DatasetRow, choice: number): string =>
    sentencesOf(`${text}${choices?.[choice]}`).at(-1) as string;

  it('has 60 pairs of each of twelve phenomena, their order balanced', () => {
    expect(PHENOMENON_IDS).toHaveLength(12);
    for (const id of PHENOMENON_IDS) {
      const own = rows.filter(({ slice }) => slice === id);
      expect(own).toHaveLength(60);
      const first = own.filter(({ label }) => label === 0).length;
      expect(first, id).toBeGreaterThan(15);
      expect(first, id).toBeLessThan(45);
    }
  });

  it('tests no sentence that occurs in training text, right or wrong', () => {
    const { training } = tinyWorldCorpus().splits;
    const known = new Set(training.flatMap(({ text }) => sentencesOf(text)));
    expect(known.size).toBeGreaterThan(100_000);
    for (const row of rows)
      for (const choice of [0, 1]) expect(known.has(lastSentence(row, choice)), row.id).toBe(false);
  });

  it('has pairs whose sentences differ in one word', () => {
    for (const { id, choices = [] } of rows) {
      const [a = [], b = []] = choices.map((choice) => choice.split(' '));
      expect(a.length, id).toBe(b.length);
      expect(a.filter((word, index) => word !== b[index]).length, id).toBe(1);
    }
  });

  it('labels the grammatical form', () => {
    for (const row of rows.filter(({ slice }) => slice?.startsWith('determiner'))) {
      const isPlural = /\b(these|those|both|many)\b/.test(row.text.slice(row.text.lastIndexOf('.')));
      const [one = '', other = ''] = [row.label as number, 1 - (row.label as number)].map((at) => row.choices?.[at]);
      expect(one.length > other.length, row.id).toBe(isPlural);
    }
    for (const row of rows.filter(({ slice }) => slice?.endsWith('-gender'))) {
      const isFeminine =
        /The (woman|girl|aunt|sister|mother|grandmother|daughter|queen|widow|princess|niece|bride|nun|lady) /.test(
          row.text.slice(row.text.lastIndexOf('.')),
        );
      expect(/^ (she|herself) /.test(row.choices?.[row.label as number] ?? ''), row.text).toBe(isFeminine);
    }
    for (const row of rows.filter(({ slice }) => slice === 'article')) {
      const [word = ''] = (row.choices?.[row.label as number] ?? '').match(/^ an? ./) ?? [];
      expect(word.startsWith(' an '), row.id).toBe(/[aeiou]$/.test(word));
    }
  });
});
