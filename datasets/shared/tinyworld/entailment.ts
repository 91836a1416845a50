/**
 * Stories with a statement each that follows from the story, contradicts it, or is about something the story leaves open.
 *
 * A story is told before anybody knows which statement will be asked, and always holds two known answers and an open one;
 * every word of the statement that matters stands in the story. So neither part alone tells the class, nor do words in
 * common. People here are strangers to the world: their facts hold in one story only, and nothing can be memorised.
 */
import type { Random } from '../../../harness/tensor/random.ts';
import { doing } from './filler.ts';
import { GOODS, PLACES } from './lexicon.ts';
import { counted, type Noun, once, type Person, pick, pickSome, templates, withArticle } from './prose.ts';
import { RELATIONS, type Relation } from './relations.ts';
import { drawThings, LARGEST_COUNT, tellCount, tellLocations, tellPossessions, withSettings } from './tales.ts';
import { subjectSlots, type World } from './world.ts';

export const ENTAILMENT_CLASSES = ['entailed', 'contradicted', 'not said'] as const;
export const ENTAILMENT_SLICES = ['location', 'possession', 'number', 'fact', 'negation'] as const;

export type EntailmentClass = (typeof ENTAILMENT_CLASSES)[number];
export type EntailmentSlice = (typeof ENTAILMENT_SLICES)[number];

export interface EntailmentPair {
  readonly story: string;
  readonly statement: string;
}

/** A story, and the statement about it that belongs to a class. */
interface Told {
  readonly sentences: readonly string[];
  readonly statementOf: (wanted: EntailmentClass) => string;
}

export function drawEntailment(
  parts: { readonly random: Random; readonly world: World },
  slice: EntailmentSlice,
  wanted: EntailmentClass,
): EntailmentPair {
  const { random, world } = parts;
  const genders = random.fork('genders');
  const people = pickSome(random, world.names.strangers, 3).map((name) => ({ name, woman: once(genders, 2) }));
  const told = TELLERS[slice](random, people);
  const extra = once(random, 2) ? [doing(random, pick(random, people))] : [];
  return {
    story: withSettings(random, [...extra, ...told.sentences], random.integer(2)).join(' '),
    statement: told.statementOf(wanted),
  };
}

const OPEN = templates(`
  {p} looked for the {o} everywhere.
  {p} wanted to know more about the {o}.
  {p} asked what had happened to the {o}.
  Nobody could say anything about the {o}.
  Somebody had seen the {o}, but that was long ago.`);
const MENTIONED = templates(`
  {p} had been thinking about the {o}.
  {p} talked about the {o}.
  {p} liked the {o}.
  Everybody had heard of the {o}.
  The {o} was older than {p}.`);

const IN = templates(`
  The {o} is in the {a}.
  In the end, the {o} was in the {a}.
  You will find the {o} in the {a}.
  Whoever needs the {o} must go to the {a}.`);
const NOT_IN = templates(`
  The {o} is not in the {a}.
  In the end, the {o} was not in the {a}.
  You will not find the {o} in the {a}.
  The {a} is not where the {o} is.`);
const WITH = templates(`
  {a} has the {o}.
  In the end, the {o} was with {a}.
  The {o} belongs to {a}.
  Whoever needs the {o} must ask {a}.`);
const NOT_WITH = templates(`
  {a} does not have the {o}.
  In the end, the {o} was not with {a}.
  The {o} does not belong to {a}.
  It is not {a} who has the {o}.`);

/** Puts mentions of the open thing, and of known ones too, between the sentences of a tale. */
function withMentions(
  random: Random,
  tale: {
    readonly sentences: readonly string[];
    readonly things: readonly string[];
    readonly open: string;
    readonly people: readonly Person[];
  },
): string[] {
  const sentences = [...tale.sentences];
  const put = (forms: typeof OPEN, o: string): void => {
    const sentence = pick(random, forms)({ o, p: pick(random, tale.people).name });
    sentences.splice(random.integer(sentences.length + 1), 0, sentence);
  };
  put(OPEN, tale.open);
  if (once(random, 2)) put(MENTIONED, tale.open);
  for (const thing of tale.things) if (once(random, 3)) put(MENTIONED, thing);
  return sentences;
}

/** A thing whose noun none of `things` has. */
function anotherThing(random: Random, things: readonly string[]): string {
  const nounOf = (thing: string): string => thing.slice(thing.lastIndexOf(' '));
  for (;;) {
    const [thing = ''] = drawThings(random, 1);
    if (!things.some((other) => nounOf(other) === nounOf(thing))) return thing;
  }
}

interface StatementForms {
  readonly positive: typeof OPEN;
  readonly negative: typeof OPEN;
}

/** Statements about known things and the open one; a denial of the wrong answer is entailed. */
function statements(
  random: Random,
  parts: {
    readonly known: ReadonlyMap<string, readonly string[]>;
    readonly open: string;
    readonly answers: readonly string[];
  },
  forms: StatementForms & { readonly denied: boolean },
): Told['statementOf'] {
  const { known, open, answers } = parts;
  return (wanted) => {
    const template = pick(random, forms.denied ? forms.negative : forms.positive);
    if (wanted === 'not said') return template({ o: open, a: pick(random, answers) });
    const o = pick(random, [...known.keys()]);
    const right = known.get(o)?.at(-1) as string;
    const namesRight = (wanted === 'entailed') !== forms.denied;
    return template({
      o,
      a: namesRight
        ? right
        : pick(
            random,
            answers.filter((answer) => answer !== right),
          ),
    });
  };
}

function locations(random: Random, people: readonly Person[], denied: boolean): Told {
  const tale = tellLocations(random, { people: people.slice(0, 2), things: 2, places: 3, moves: random.integer(4) });
  const open = anotherThing(random, tale.things);
  return {
    sentences: withMentions(random, { ...tale, open, people }),
    statementOf: statements(
      random,
      { known: tale.whereabouts, open, answers: tale.places },
      { positive: IN, negative: NOT_IN, denied },
    ),
  };
}

function possessions(random: Random, people: readonly Person[], denied: boolean): Told {
  const tale = tellPossessions(random, { people, things: 2, moves: random.integer(4) });
  const open = anotherThing(random, tale.things);
  return {
    sentences: withMentions(random, { ...tale, open, people }),
    statementOf: statements(
      random,
      { known: tale.holders, open, answers: people.map(({ name }) => name) },
      { positive: WITH, negative: NOT_WITH, denied },
    ),
  };
}

const SOME = templates(`
  {p} had some {g} too.
  {p} had not counted the {g} yet.
  Nobody knew how many {g} {p} had.
  {p} got {g} from a neighbour.
  {p} brought {g} from the {place}.`);
const HAS_NUMBER = templates(`
  {p} has {n}.
  In the end, {p} had {n}.
  Now there are {n} in the basket of {p}.
  When {p} counts, the result is {n}.`);

function numbers(random: Random, people: readonly Person[]): Told {
  const goods = pickSome(random, GOODS, 3) as [Noun, Noun, Noun];
  const others = people.map(({ name }) => name);
  const [first, second, third] = people as readonly [Person, Person, Person];
  const known = [first, second].map((person, index) =>
    tellCount(random, {
      person,
      goods: goods[index] as Noun,
      changes: random.integer(3),
      others: others.filter((name) => name !== person.name),
    }),
  );
  const sentences = known.flatMap((tale) => tale.sentences);
  const open = pick(random, [first, second, third]);
  const sentence = pick(random, SOME)({ p: open.name, g: goods[2].many, place: pick(random, PLACES) });
  // At either end or between the two counts: within one it would come between a number and `of them`.
  const at = pick(random, [0, known[0]?.sentences.length as number, sentences.length]);
  sentences.splice(at, 0, sentence);

  /** A number the story suggests for a count, other than the right one. */
  function wrongNumber(counts: readonly number[]): number {
    const right = counts.at(-1) as number;
    const near = [right - 2, right - 1, right + 1, right + 2].filter(
      (number) => number >= 1 && number <= LARGEST_COUNT,
    );
    const mentioned = known.flatMap((tale) => tale.counts).filter((number) => number !== right);
    return pick(random, mentioned.length > 0 && once(random, 2) ? mentioned : near);
  }
  return {
    sentences,
    statementOf(wanted) {
      const { person, goods: counts, counts: history } = pick(random, known);
      const right = history.at(-1) as number;
      const form = pick(random, HAS_NUMBER);
      if (wanted === 'entailed') return form({ p: person.name, n: counted(right, counts) });
      if (wanted === 'contradicted') return form({ p: person.name, n: counted(wrongNumber(history), counts) });
      const number = once(random, 2) ? right : wrongNumber(history);
      return form({ p: open.name, n: counted(number, goods[2]) });
    },
  };
}

const STRANGERS_RELATIONS = RELATIONS.filter(({ id }) => ['trade', 'food', 'instrument', 'fear'].includes(id));

function facts(random: Random, people: readonly Person[]): Told {
  const [a, b, c] = random.shuffle(people) as [Person, Person, Person];
  const relations = random.shuffle(STRANGERS_RELATIONS) as [Relation, Relation, Relation];
  const forms = relations.map(({ forms }) => random.shuffle(forms));
  const answers = relations.map((relation) => pickSome(random, relation.answers as readonly string[], 3));
  /** States that `person` has the answer `answer` of relation `relation`, in the form `form` of it. */
  function state(person: Person, relation: number, form: number, answer: number): string {
    const o = answers[relation]?.[answer] as string;
    const subject = { kind: 'person', name: person.name, person, facts: [] } as const;
    const template = forms[relation]?.[form] as (typeof OPEN)[number];
    return template({ ...subjectSlots(subject, false), o, ao: withArticle(o) });
  }
  const sentences = random.shuffle([
    state(a, 0, 0, 0),
    state(b, 0, 1, 1),
    state(c, 1, 0, 0),
    ...(once(random, 2) ? [state(c, 2, 0, 0)] : []),
    ...(once(random, 2) ? [state(a, 1, 1, 1)] : []),
    ...(once(random, 2) ? [state(b, 2, 1, 1)] : []),
  ]);
  return {
    sentences,
    // The third form of the relation: no statement repeats a sentence of its story.
    statementOf(wanted) {
      const answer = random.integer(2);
      if (wanted === 'not said') return state(c, 0, 2, answer);
      return state((wanted === 'entailed') === (answer === 0) ? a : b, 0, 2, answer);
    },
  };
}

const TELLERS: Readonly<Record<EntailmentSlice, (random: Random, people: readonly Person[]) => Told>> = {
  location: (random, people) => locations(random, people, false),
  possession: (random, people) => possessions(random, people, false),
  number: numbers,
  fact: facts,
  negation: (random, people) => (once(random, 2) ? locations : possessions)(random, people, true),
};
