/**
 * Reads TinyWorld's stories by rules of its own, from the sentences alone: where a thing is, who has it, how many there
 * are. Shares no code with the generator, so that the two check each other.
 */

/** Sentences of a text, without their full stop. */
export function sentencesOf(text: string): readonly string[] {
  return text
    .split(/(?<=[.?]) |\n/)
    .map((sentence) => sentence.replace(/[.?]$/, ''))
    .filter((sentence) => sentence !== '');
}

/** What somebody wonders about is not told. */
const WONDERED = /\b(whether|perhaps|looked for|asked about|thinking of)\b/i;

/** The place where `thing` is at the end, or undefined where the story does not say. */
export function placeOf(thing: string, sentences: readonly string[]): string | undefined {
  let place: string | undefined;
  let carried = false;
  for (const sentence of sentences) {
    const isNamed =
      (sentence.includes(`the ${thing}`) || sentence.startsWith(`The ${thing}`)) && !WONDERED.test(sentence);
    const isCarriedOn = carried && / (put it down|left it there|set it down)$/.test(sentence);
    carried = isNamed;
    if (!isNamed && !isCarriedOn) continue;
    const named = [...sentence.matchAll(/\b(?:to|in|before) the (\w+)(?! ?\w* way)/gi)]
      .map(([, word]) => word)
      .filter((word) => word !== 'way' && !thing.startsWith(word ?? ''));
    place = named.at(-1) ?? place;
  }
  return place;
}

/** The name of whoever has `thing` at the end, or undefined where the story does not say. */
export function holderOf(thing: string, sentences: readonly string[]): string | undefined {
  const it = `the ${thing}`;
  const patterns = [
    `^(\\w+) (?:had|owned) ${it}$`,
    `^${it} was with (\\w+)$`,
    `^At first ${it} was with (\\w+)$`,
    `^${it} had been a present for (\\w+)$`,
    `^\\w+ (?:gave|sold|sent|lost) ${it} to (\\w+)`,
    `^(\\w+) (?:bought|got|took) ${it} (?:away )?from \\w+$`,
    `^From \\w+ ${it} went to (\\w+)$`,
    `did not need ${it}, so (\\w+) was given it$`,
    `^(\\w+) asked \\w+ for ${it} and got it$`,
  ].map((pattern) => new RegExp(pattern, 'i'));
  let holder: string | undefined;
  for (const sentence of sentences) {
    for (const pattern of patterns) holder = pattern.exec(sentence)?.[1] ?? holder;
  }
  return holder;
}

const NUMBERS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];
const NUMBER = new RegExp(`\\b(${NUMBERS.join('|')})\\b`);

/** The number at the end of a story that tells of one count alone. */
export function countOf(sentences: readonly string[]): number | undefined {
  let count: number | undefined;
  for (const sentence of sentences) {
    const word = NUMBER.exec(sentence)?.[1];
    if (word === undefined) continue;
    const number = NUMBERS.indexOf(word) + 1;
    if (count === undefined) count = number;
    else count += /of them|away from/.test(sentence) ? -number : number;
  }
  return count;
}
