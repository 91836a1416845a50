/**
 * Stories without their last word, which follows from the state of the world, in the manner of LAMBADA (Paperno et al.
 * 2016, https://arxiv.org/abs/1606.06031). All four choices occur in the story, or are neighbouring numbers.
 */
import { present } from '../../../contracts/present.ts';
import type { DatasetRow } from '../../../contracts/dataset.ts';
import { createRandom, type Random } from '../../../numerics/tensor/random.ts';
import { drawPeople, HOW_MANY_ENDINGS, TOGETHER_ENDINGS, WHERE_ENDINGS, WHOSE_ENDINGS } from './documents.ts';
import { setting } from './filler.ts';
import { GOODS } from './lexicon.ts';
import { numberWord, type Person, pick } from './prose.ts';
import { tellCount, tellLocations, tellPossessions, tellSum, withSettings } from './tales.ts';
import { tinyWorld, WORLD_SEED } from './world.ts';

export const LAST_WORD_SLICES = ['location', 'possession', 'count', 'sum'] as const;

const PER_SLICE = 150;
const CHOICES = 4;
const LARGEST_NUMBER = 20;

interface Puzzle {
  readonly text: string;
  readonly answer: string;
  readonly choices: readonly string[];
}

/** 150 rows per slice. */
export function lastWords(): readonly DatasetRow[] {
  const root = createRandom(`${WORLD_SEED}/last-words`);
  return LAST_WORD_SLICES.flatMap((slice) =>
    Array.from({ length: PER_SLICE }, (_, index) => {
      const random = root.fork(`${slice}/${index}`);
      const puzzle = PUZZLES[slice](random, index % CHOICES === 0);
      const shuffled = random.shuffle(puzzle.choices);
      return {
        id: `${slice}-${String(index).padStart(3, '0')}`,
        slice,
        text: puzzle.text,
        choices: shuffled.map((choice) => ` ${choice}.`),
        label: shuffled.indexOf(puzzle.answer),
      };
    }),
  );
}

/** The story and its ending without the last word, which is the answer. */
function cutStory(story: readonly string[], ending: string): string {
  return [...story, ending.slice(0, ending.lastIndexOf(' '))].join(' ');
}

/**
 * Draws until the answer is, or is not, the choice named last before the end, as `named` says: with one row in four of
 * the first kind, always answering with the place or person named last scores no better than chance.
 */
function drawByRecency(draw: () => Puzzle, named: boolean): Puzzle {
  for (;;) {
    const puzzle = draw();
    const { text, choices, answer } = puzzle;
    if (choices.every((choice) => text.lastIndexOf(choice) <= text.lastIndexOf(answer)) === named) return puzzle;
  }
}

/** A thing that has changed hands or places at least once, and its present owner or place. */
function movedThing(random: Random, states: ReadonlyMap<string, readonly string[]>): { o: string; answer: string } {
  const moved = [...states].filter(([, been]) => been.length > 1);
  const [o, been] = pick(random, moved);
  return { o, answer: present(been.at(-1), 'last of been') };
}

function location(random: Random): Puzzle {
  const people = drawPeople(random, tinyWorld(), 2);
  const tale = tellLocations(random, {
    people,
    things: 2 + random.integer(2),
    places: CHOICES,
    moves: 3 + random.integer(2),
  });
  const { o, answer } = movedThing(random, tale.whereabouts);
  const story = withSettings(random, tale.sentences, 1);
  return { text: cutStory(story, pick(random, WHERE_ENDINGS)({ o, a: '' })), answer, choices: tale.places };
}

function possession(random: Random): Puzzle {
  const people = drawPeople(random, tinyWorld(), CHOICES);
  const tale = tellPossessions(random, { people, things: 2 + random.integer(2), moves: 3 + random.integer(2) });
  const { o, answer } = movedThing(random, tale.holders);
  const story = withSettings(random, tale.sentences, 1);
  const text = cutStory(story, pick(random, WHOSE_ENDINGS)({ o, a: '' }));
  return { text, answer, choices: people.map(({ name }) => name) };
}

function count(random: Random): Puzzle {
  const people = drawPeople(random, tinyWorld(), 3);
  const [person, ...others] = people as [Person, Person, Person];
  const tale = tellCount(random, {
    person,
    goods: pick(random, GOODS),
    changes: 1 + random.integer(3),
    others: others.map(({ name }) => name),
  });
  return {
    text: cutStory(
      [setting(random), ...tale.sentences],
      pick(random, HOW_MANY_ENDINGS)({ p: person.name, o: tale.goods.many, a: '' }),
    ),
    ...numberChoices(random, present(tale.counts.at(-1), 'last of tale.counts')),
  };
}

function sum(random: Random): Puzzle {
  const people = drawPeople(random, tinyWorld(), 2) as [Person, Person];
  const { sentence, goods, total } = tellSum(random, people);
  return {
    text: cutStory([setting(random), sentence], pick(random, TOGETHER_ENDINGS)({ o: goods.many, a: '' })),
    ...numberChoices(random, total),
  };
}

/** Four consecutive numbers; each position is equally likely to be correct, except at the ends of 1 to 20. */
function numberChoices(random: Random, right: number): Pick<Puzzle, 'answer' | 'choices'> {
  const first = Math.min(LARGEST_NUMBER - CHOICES + 1, Math.max(1, right - random.integer(CHOICES)));
  return {
    answer: numberWord(right),
    choices: Array.from({ length: CHOICES }, (_, index) => numberWord(first + index)),
  };
}

const PUZZLES: Readonly<
  Record<(typeof LAST_WORD_SLICES)[number], (random: Random, answerNamedLast: boolean) => Puzzle>
> = {
  location: (random, answerNamedLast) => drawByRecency(() => location(random), answerNamedLast),
  possession: (random, answerNamedLast) => drawByRecency(() => possession(random), answerNamedLast),
  count,
  sum,
};
