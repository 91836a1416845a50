import { beforeAll, describe, expect, it } from 'vitest';
import { tinyWorldCorpus } from '../../datasets/shared/tinyworld/corpus.ts';
import { tinyWorld } from '../../datasets/shared/tinyworld/world.ts';
import tinyworld from '../../datasets/tinyworld.ts';
import type { Splits } from '../../contracts/dataset.ts';
import { cachedHub } from '../support/hub-cache.ts';

describe('tinyworld', () => {
  let splits: Splits;
  beforeAll(async () => {
    splits = await tinyworld.load(cachedHub());
  });

  it('has 24,000 training and 120 test documents of full length', () => {
    expect(splits.training).toHaveLength(24_000);
    expect(splits.calibration).toHaveLength(256);
    expect(splits.validation).toHaveLength(120);
    expect(splits.test).toHaveLength(120);
    const faults = splits.training.filter(({ text }) => /\{|\}|undefined|NaN|\s\s|\bHe He\b/.test(text));
    expect(faults.map(({ text }) => text)).toEqual([]);
  });

  it('needs no files and caches what it generates', async () => {
    expect(await tinyworld.load({ file: () => Promise.reject(new Error('asked')) })).toBe(splits);
  });

  it('states every fact, famous ones a hundred times as often as the last', () => {
    const { factCounts } = tinyWorldCorpus();
    const sorted = [...factCounts].sort((a, b) => b - a);
    expect(sorted).toHaveLength(tinyWorld().facts.length);
    expect(sorted.at(-1)).toBeGreaterThan(0);
    expect(sorted[0]).toBeGreaterThan(100 * (sorted.at(-1) as number));
    const median = sorted[sorted.length >> 1] as number;
    expect(median).toBeGreaterThan(10);
    expect(median).toBeLessThan(30);
  });

  it('counts stated facts: at least the sentences that name both, at most what the documents allow', () => {
    const { factCounts } = tinyWorldCorpus();
    const facts = tinyWorld().facts.filter(({ relation }) => relation.id === 'fear');
    const text = splits.training.map((row) => row.text).join('\n');
    for (const { subject, answer, index } of facts.slice(0, 40)) {
      const ways = [
        `${subject} is afraid of ${answer}.`,
        `Nothing frightens ${subject} more than ${answer}.`,
        `${subject} has always run away from ${answer}.`,
        `In bad dreams ${subject} sees ${answer}.`,
        `Because of ${answer} ${subject} does not sleep well.`,
        `Do not speak of ${answer} when ${subject} is listening.`,
      ];
      const named = ways.reduce((sum, way) => sum + text.split(way).length - 1, 0);
      expect(named, subject).toBeGreaterThan(0);
      expect(named, subject).toBeLessThanOrEqual(factCounts[index] as number);
      // Three facts of five after the first of an entry are told under a pronoun.
      expect(named, subject).toBeGreaterThan(0.2 * (factCounts[index] as number) - 3);
    }
  });

  it('gives every person one gender', () => {
    const woman = new Map(tinyWorld().people.map(({ name, person }) => [name, person?.woman]));
    let seen = 0;
    for (const { text } of splits.training.slice(0, 4000)) {
      for (const [, name = '', pronoun] of text.matchAll(/(\w+) (?:said that|had slept badly, and) (he|she) was/g)) {
        if (!woman.has(name)) continue;
        expect(pronoun, text).toBe(woman.get(name) ? 'she' : 'he');
        seen++;
      }
    }
    expect(seen).toBeGreaterThan(100);
  });
});
