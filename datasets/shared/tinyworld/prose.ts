/** Helpers for writing sentences: integer-only random choices, templates, articles, number words. */
import { present } from '../../../contracts/present.ts';
import type { Random } from '../../../numerics/tensor/random.ts';

export function pick<T>(random: Random, items: readonly T[]): T {
  return present(items[random.integer(items.length)], 'item drawn');
}

/** `count` different items, in random order. */
export function pickSome<T>(random: Random, items: readonly T[], count: number): T[] {
  const chosen = new Set<T>();
  while (chosen.size < count) chosen.add(pick(random, items));
  return [...chosen];
}

/** True once in `outOf` times. */
export function once(random: Random, outOf: number): boolean {
  return random.integer(outOf) === 0;
}

/** Splits on white space, so that word lists can be written as text. */
export function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

/** Splits on commas, for entries of several words. */
export function phrases(text: string): readonly string[] {
  return text.split(',').map((phrase) => phrase.trim());
}

export type Slots = Readonly<Record<string, string>>;
export type Template = (slots: Slots) => string;

/** Converts a template such as `The {o} stood in the {p}.` to a function of its slots; capitalizes the first letter. */
export function template(text: string): Template {
  const parts = text.split(/\{(\w+)\}/); // literal, slot, literal, slot, …
  return (slots) => {
    let sentence = present(parts[0], 'parts[0]');
    for (let index = 1; index < parts.length; index += 2) {
      sentence += present(slots[present(parts[index], 'name of a slot')], `slot ${parts[index]}`);
      sentence += present(parts[index + 1], 'text after a slot');
    }
    return capitalized(sentence);
  };
}

/** One template per line. */
export function templates(text: string): readonly Template[] {
  return text
    .trim()
    .split('\n')
    .map((line) => template(line.trim()));
}

export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `an apple`, `a lamp`. */
export function withArticle(phrase: string): string {
  return `${'aeiou'.includes(phrase.charAt(0)) ? 'an' : 'a'} ${phrase}`;
}

const NUMBERS = words(
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
    'eighteen nineteen twenty',
);

/** 0 to 20 in words. */
export function numberWord(value: number): string {
  return present(NUMBERS[value], 'NUMBERS[value]');
}

/** `one apple`, `two apples`. */
export function counted(value: number, noun: Noun): string {
  return `${numberWord(value)} ${value === 1 ? noun.one : noun.many}`;
}

export interface Noun {
  readonly one: string;
  readonly many: string;
}

/** Converts `lamp box/boxes` to nouns; without a slash the plural gets an s. */
export function nouns(text: string): readonly Noun[] {
  return words(text).map((entry) => {
    const [one = '', many] = entry.split('/');
    return { one, many: many ?? `${one}s` };
  });
}

/** A person that a sentence can be about. */
export interface Person {
  readonly name: string;
  readonly woman: boolean;
}

export interface Pronouns {
  readonly he: string;
  readonly him: string;
  readonly his: string;
  readonly himself: string;
}

const HE: Pronouns = { he: 'he', him: 'him', his: 'his', himself: 'himself' };
const SHE: Pronouns = { he: 'she', him: 'her', his: 'her', himself: 'herself' };

export function pronounsOf({ woman }: { readonly woman: boolean }): Pronouns {
  return woman ? SHE : HE;
}

/**
 * FNV-1a over UTF-16 units (http://www.isthe.com/chongo/tech/comp/fnv/), in [0, outOf): divides combinations of words
 * into those for training text and those reserved for tests.
 */
export function bucketOf(text: string, outOf: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % outOf;
}
