import { beforeAll, describe, expect, it } from 'vitest';
import { tinyWorldCorpus } from '../../datasets/shared/tinyworld/corpus.ts';
import { FACT_SLICES } from '../../datasets/shared/tinyworld/fact-questions.ts';
import { tinyWorld } from '../../datasets/shared/tinyworld/world.ts';
import { findLeaks } from '../../datasets/shared/leak-guard.ts';
import facts from '../../datasets/tinyworld-facts.ts';
import type { DatasetRow } from '../../contracts/dataset.ts';
import { cachedHub } from '../support/hub-cache.ts';

describe('tinyworld-facts', () => {
  let rows: readonly DatasetRow[];
  beforeAll(async () => {
    rows = (await facts.load(cachedHub())).test;
  });
  const factOf = ({ id }: DatasetRow) => tinyWorld().facts[Number(id.slice(-4))];
  /** The answer without space and full stop, and without the article that some questions leave to it. */
  const bare = (row: DatasetRow, choice = ''): string => {
    const phrase = choice.slice(1, -1);
    return row.id.includes('-voice-') ? phrase : phrase.replace(/^an? /, '');
  };

  it('asks 250 facts of each slice, each stated as often as the slice says', () => {
    const { factCounts } = tinyWorldCorpus();
    for (const [slice, { from, to }] of Object.entries(FACT_SLICES)) {
      const own = rows.filter((row) => row.slice === slice);
      expect(own).toHaveLength(250);
      for (const row of own) {
        const count = factCounts[factOf(row)?.index as number] as number;
        expect(count >= from && count <= to, `${row.id}: ${count}`).toBe(true);
      }
    }
    expect(new Set(rows.map(factOf)).size).toBe(rows.length);
  });

  it('has the correct answer at its label and three wrong ones of the same kind', () => {
    for (const row of rows) {
      const fact = factOf(row);
      const known = tinyWorld().facts.filter(({ relation }) => relation === fact?.relation);
      expect(bare(row, row.choices?.[row.label as number]), row.id).toBe(fact?.answer);
      expect(row.text, row.id).toContain(fact?.subject.replace(/^the /, ''));
      expect(new Set(row.choices).size, row.id).toBe(4);
      for (const choice of row.choices ?? [])
        expect(
          known.some(({ answer }) => answer === bare(row, choice)),
          choice,
        ).toBe(true);
    }
  });

  it('cannot be answered by frequency in training text', () => {
    const { factCounts } = tinyWorldCorpus();
    const popularity = new Map<string, number>();
    for (const { relation, answer, index } of tinyWorld().facts) {
      const key = `${relation.id}/${answer}`;
      popularity.set(key, (popularity.get(key) ?? 0) + (factCounts[index] as number));
    }
    for (const slice of Object.keys(FACT_SLICES)) {
      const own = rows.filter((row) => row.slice === slice);
      const right = own.filter((row) => {
        const scores = (row.choices ?? []).map(
          (choice) => popularity.get(`${factOf(row)?.relation.id}/${bare(row, choice)}`) ?? 0,
        );
        return scores.indexOf(Math.max(...scores)) === row.label;
      });
      expect(right.length / own.length, slice).toBeLessThan(0.32);
    }
  });

  it('asks with texts that occur in no other split', () => {
    const test = rows.map((row) => ({ ...row, text: `${row.text}${row.choices?.[row.label as number]}` }));
    expect(findLeaks({ ...tinyWorldCorpus().splits, test })).toEqual([]);
  });
});
