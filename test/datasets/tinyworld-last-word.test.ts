import { beforeAll, describe, expect, it } from 'vitest';
import { findLeaks } from '../../datasets/shared/leak-guard.ts';
import { tinyWorldCorpus } from '../../datasets/shared/tinyworld/corpus.ts';
import lastWord from '../../datasets/tinyworld-last-word.ts';
import type { DatasetRow } from '../../contracts/dataset.ts';
import { cachedHub } from '../support/hub-cache.ts';
import { countOf, holderOf, placeOf, sentencesOf } from '../support/story-reader.ts';

const NUMBERS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  );

describe('tinyworld-last-word', () => {
  let rows: readonly DatasetRow[];
  beforeAll(async () => {
    rows = (await lastWord.load(cachedHub())).test;
  });
  const of = (slice: string): readonly DatasetRow[] => rows.filter((row) => row.slice === slice);
  const answerOf = ({ choices, label }: DatasetRow): string => (choices?.[label as number] ?? '').slice(1, -1);

  /** The story's sentences, and the words by which its last ones call the thing. */
  function storyOf({ text }: DatasetRow): { readonly story: readonly string[]; readonly thing: string } {
    const sentences = sentencesOf(text);
    const asks = sentences.findIndex(
      (sentence, index) =>
        index >= sentences.length - 2 && /^(In the end|Where|Who|So|That night|When somebody)\b/.test(sentence),
    );
    const thing = /the (\w+ \w+?)(?:,| was| now| is| belonged|$)/.exec(
      (sentences[asks] as string).replace(/In the end, |the one who had /g, ''),
    )?.[1];
    return { story: sentences.slice(0, asks), thing: thing ?? '?' };
  }

  it('has 150 stories of each slice', () => {
    for (const slice of lastWord.tasks[0]?.slices ?? []) expect(of(slice)).toHaveLength(150);
  });

  it('ends as a reader that follows the events only would end it', () => {
    for (const row of of('location')) {
      const { story, thing } = storyOf(row);
      expect(placeOf(thing, story), row.text).toBe(answerOf(row));
    }
    for (const row of of('possession')) {
      const { story, thing } = storyOf(row);
      expect(holderOf(thing, story), row.text).toBe(answerOf(row));
    }
    for (const row of of('count')) expect(NUMBERS[countOf(sentencesOf(row.text)) ?? 0], row.text).toBe(answerOf(row));
    for (const row of of('sum')) {
      const parts = row.text.match(new RegExp(`\\b(${NUMBERS.slice(1, 10).join('|')})\\b`, 'g')) ?? [];
      expect(parts, row.text).toHaveLength(2);
      expect(NUMBERS[parts.reduce((sum, word) => sum + NUMBERS.indexOf(word), 0)], row.text).toBe(answerOf(row));
    }
  });

  it('names all offered places and people, and the last one named is correct no more often than chance', () => {
    for (const slice of ['location', 'possession']) {
      const right = of(slice).filter((row) => {
        const at = (row.choices ?? []).map((choice) => row.text.lastIndexOf(choice.slice(1, -1)));
        expect(Math.min(...at), row.text).toBeGreaterThanOrEqual(0);
        return at.indexOf(Math.max(...at)) === row.label;
      });
      expect(right.length / 150, slice).toBeLessThan(0.27);
    }
  });

  it('tells stories that do not occur in training text', () => {
    expect(findLeaks({ ...tinyWorldCorpus().splits, test: rows })).toEqual([]);
  });
});
