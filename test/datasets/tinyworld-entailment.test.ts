import { beforeAll, describe, expect, it } from 'vitest';
import { normalizedWords } from '../../datasets/shared/leak-guard.ts';
import { ENTAILMENT_CLASSES, ENTAILMENT_SLICES } from '../../datasets/shared/tinyworld/entailment.ts';
import entailment from '../../datasets/tinyworld-entailment.ts';
import type { DatasetRow, Splits } from '../../contracts/dataset.ts';
import { bagOfWordsAccuracy } from '../support/bag-of-words.ts';
import { cachedHub } from '../support/hub-cache.ts';
import { holderOf, placeOf, sentencesOf } from '../support/story-reader.ts';

/** Three standard deviations above a third, for 1,500 rows. */
const NEAR_CHANCE = 1 / 3 + 3 * Math.sqrt(2 / 9 / 1500);

/** A third of the stories have two threads of two classes: who knows the classes of a story guesses every second one right. */
const BEST_FROM_STORY = 2 / 3 + 1 / 6;

describe('tinyworld-entailment', () => {
  let splits: Splits;
  beforeAll(async () => {
    splits = await entailment.load(cachedHub());
  });

  function accuracyFrom(featuresOf: (row: DatasetRow) => readonly string[]): number {
    const examples = (rows: readonly DatasetRow[]) =>
      rows.map((row) => ({ features: featuresOf(row), label: row.label as number }));
    return bagOfWordsAccuracy(examples(splits.training), examples(splits.test), {
      classes: ENTAILMENT_CLASSES.length,
      epochs: 1,
    });
  }
  const pairs = (words: readonly string[]) => words.slice(1).map((word, index) => `${words[index]} ${word}`);

  it('has every class of every slice equally often in every split', () => {
    for (const rows of Object.values(splits)) {
      const counts = ENTAILMENT_SLICES.flatMap((slice) =>
        ENTAILMENT_CLASSES.map((_, label) => rows.filter((row) => row.slice === slice && row.label === label).length),
      );
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      expect(Math.min(...counts)).toBeGreaterThan(0);
    }
    expect(splits.test).toHaveLength(1500);
  });

  it('cannot be predicted from the statement’s words and word pairs', () => {
    const accuracy = accuracyFrom(({ pair = '' }) => [...normalizedWords(pair), ...pairs(normalizedWords(pair))]);
    expect(accuracy).toBeLessThan(NEAR_CHANCE);
  });

  it('can be predicted from the story only as far as its threads allow', () => {
    expect(accuracyFrom(({ text }) => normalizedWords(text))).toBeLessThan(BEST_FROM_STORY);
  });

  it('is far from solved by the words that story and statement have in common', () => {
    const accuracy = accuracyFrom(({ text, pair = '' }) => {
      const story = normalizedWords(text);
      const statement = normalizedWords(pair);
      const count = (word: string): number => story.filter((other) => other === word).length;
      const neighbours = new Set(pairs(story));
      return [
        ...story,
        ...statement.flatMap((word) => [`statement ${word}`, `${word} × ${count(word)}`]),
        `in common ${statement.filter((word) => count(word) > 0).length}`,
        `pairs in common ${pairs(statement).filter((pair) => neighbours.has(pair)).length}`,
      ];
    });
    expect(accuracy).toBeGreaterThan(1 / 3);
    expect(accuracy).toBeLessThan(0.75);
  });

  it('agrees with a reader that follows the events only', () => {
    let read = 0;
    for (const { text, pair = '', label, slice } of splits.test) {
      if (slice !== 'location' && slice !== 'possession' && slice !== 'negation') continue;
      const denied = / not /.test(pair);
      const thing = /\b[Tt]he (\w+ \w+?)(?: (?:is|in|was|must|belongs|does)\b|,|\.)/.exec(
        pair.replace('In the end, ', '').replace(/^The \w+ is not where/, ''),
      )?.[1];
      const sentences = sentencesOf(text);
      const place = /(?:in|to) the (\w+)\.$/.exec(pair)?.[1] ?? /^The (\w+) is not where/.exec(pair)?.[1];
      const name = pair.match(/\b[A-Z][a-z]+\b/g)?.find((word) => !/^(The|In|It|You|Whoever)$/.test(word));
      if (thing === undefined || (place === undefined) === (name === undefined))
        throw new Error(`cannot read: ${pair}`);
      const actual = place === undefined ? holderOf(thing, sentences) : placeOf(thing, sentences);
      const expected = actual === undefined ? 2 : (actual === (place ?? name)) === !denied ? 0 : 1;
      expect(label, `${text} | ${pair}`).toBe(expected);
      read++;
    }
    expect(read).toBe(900);
  });
});
