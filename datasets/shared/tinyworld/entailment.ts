/**
 * Stories with one statement each, which follows from the story, contradicts it, or is left open by it.
 *
 * A story has one thread, or two about different things and people; the statement is about one of them, and for the
 * other it would have another class. Threads tell what was before and what is now, who gave and who received, counts,
 * denials and unknowns.
 * The statement alone does not reveal its class: every relevant word of it occurs in the story, whatever the class. The
 * people are not in the world: their facts hold in one story only, so nothing can be memorised.
 */
import { present } from '../../../contracts/present.ts';
import type { Random } from '../../../numerics/tensor/random.ts';
import { GOODS, PLACES } from './lexicon.ts';
import { counted, once, type Person, pick, pickSome, type Template, templates, withArticle } from './prose.ts';
import { RELATIONS, type Relation } from './relations.ts';
import { drawThings, tellCount, tellLocations, tellPossessions, withSettings } from './tales.ts';
import { subjectSlots, type World } from './world.ts';

export const ENTAILMENT_CLASSES = ['entailed', 'contradicted', 'not said'] as const;
export const ENTAILMENT_SLICES = ['location', 'possession', 'number', 'fact', 'negation'] as const;

export type EntailmentClass = (typeof ENTAILMENT_CLASSES)[number];
export type EntailmentSlice = (typeof ENTAILMENT_SLICES)[number];

export interface EntailmentPair {
  readonly story: string;
  readonly statement: string;
}

interface Thread {
  /** The thing, or the goods of a count: the threads of a story never share one. */
  readonly about: string;
  readonly sentences: readonly string[];
  readonly statement: string;
}

/** `person` is in one thread, `other` also takes part in a neighbouring one. */
type Teller = (
  random: Random,
  people: { readonly person: Person; readonly other: Person },
  wanted: EntailmentClass,
) => Thread;

export function drawEntailment(
  parts: { readonly random: Random; readonly world: World },
  slice: EntailmentSlice,
  wanted: EntailmentClass,
): EntailmentPair {
  const { random, world } = parts;
  const genders = random.fork('genders');
  const others = ENTAILMENT_CLASSES.filter((other) => other !== wanted);
  const classes = once(random, 3) ? [wanted, pick(random, others)] : [wanted];
  const people = pickSome(random, world.names.strangers, classes.length + 1).map((name) => ({
    name,
    woman: once(genders, 2),
  }));
  const tell = tellerOf(random, slice);
  const threads: Thread[] = [];
  while (threads.length < classes.length) {
    const [person, other] = people.slice(threads.length) as [Person, Person];
    const thread = tell(random, { person, other }, present(classes[threads.length], 'classes[threads.length]'));
    if (!threads.some(({ about }) => about === thread.about)) threads.push(thread);
  }
  const sentences = random.shuffle(threads).flatMap((thread) => thread.sentences);
  return {
    story: withSettings(random, sentences, 1 + random.integer(2)).join(' '),
    statement: present(threads[0], 'threads[0]').statement,
  };
}

function tellerOf(random: Random, slice: EntailmentSlice): Teller {
  if (slice === 'number') return numbers;
  if (slice === 'fact') return facts(pick(random, STRANGERS_RELATIONS));
  const denied = slice === 'negation';
  const isPlace = denied ? once(random, 2) : slice === 'location';
  return isPlace ? locations(denied) : possessions(denied);
}

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
const PERHAPS_IN = templates(`
  {p} looked for the {o} in the {a}.
  {p} went to the {a} and asked about the {o}.
  Nobody could say whether the {o} was in the {a}.
  Perhaps the {o} was in the {a}, {p} thought.
  In the {a}, {p} was thinking of the {o}.`);

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
const PERHAPS_WITH = templates(`
  {a} had heard of the {o}.
  {a} asked about the {o}.
  {a} would have liked to see the {o}.
  Nobody could say whether {a} had the {o}.
  Perhaps the {o} was with {a}, {q} thought.`);

/** The class of the negated statement. */
const OPPOSITE: Readonly<Record<EntailmentClass, EntailmentClass>> = {
  entailed: 'contradicted',
  contradicted: 'entailed',
  'not said': 'not said',
};

/** Number of changes: most contradictions state an earlier state. */
function movesFor(random: Random, positive: EntailmentClass): number {
  return positive === 'contradicted' ? Math.min(1, random.integer(4)) : random.integer(2);
}

const locations =
  (denied: boolean): Teller =>
  (random, { person, other }, wanted) => {
    const forms = denied ? NOT_IN : IN;
    const positive = denied ? OPPOSITE[wanted] : wanted;
    if (positive === 'not said') {
      return leftOpen(random, { perhaps: PERHAPS_IN, forms }, { p: person.name, a: pick(random, PLACES) });
    }
    const moves = movesFor(random, positive);
    const tale = tellLocations(random, { people: [person, other], things: 1, places: 2, moves });
    const [[about, been]] = [...tale.whereabouts] as [[string, readonly string[]]];
    const right = present(been.at(-1), 'last of been');
    const a = positive === 'entailed' ? right : (tale.places.find((place) => place !== right) as string);
    return { about: nounOf(about), sentences: tale.sentences, statement: pick(random, forms)({ o: about, a }) };
  };

const possessions =
  (denied: boolean): Teller =>
  (random, { person, other }, wanted) => {
    const forms = denied ? NOT_WITH : WITH;
    const positive = denied ? OPPOSITE[wanted] : wanted;
    if (positive === 'not said') {
      return leftOpen(random, { perhaps: PERHAPS_WITH, forms }, { a: person.name, q: other.name });
    }
    const moves = movesFor(random, positive);
    const tale = tellPossessions(random, { people: [person, other], things: 1, moves });
    const [[about, had]] = [...tale.holders] as [[string, readonly string[]]];
    const holds = had.at(-1) === person.name;
    const a = holds === (positive === 'entailed') ? person.name : other.name;
    return { about: nounOf(about), sentences: tale.sentences, statement: pick(random, forms)({ o: about, a }) };
  };

function leftOpen(
  random: Random,
  { perhaps, forms }: { readonly perhaps: readonly Template[]; readonly forms: readonly Template[] },
  slots: Readonly<Record<string, string>>,
): Thread {
  const [o = ''] = drawThings(random, 1);
  return {
    about: nounOf(o),
    sentences: [pick(random, perhaps)({ ...slots, o })],
    statement: pick(random, forms)({ ...slots, o }),
  };
}

/** `lamp` of `red lamp`. */
const nounOf = (thing: string): string => thing.slice(thing.lastIndexOf(' ') + 1);

const EXACTLY = templates(`
  {p} has {n}.
  In the end, {p} had {n}.
  Now there are {n} in the basket of {p}.
  When {p} counts, the result is {n}.`);
const MORE_THAN = templates(`
  {p} has more than {n}.
  In the end, {p} had more than {n}.
  Now there are more than {n} in the basket of {p}.
  When {p} counts, the result is more than {n}.`);
const UNCOUNTED = templates(`
  {p} had some {g} too.
  {p} had not counted the {g} yet.
  Nobody knew how many {g} {p} had.
  {p} got {g} from {r}.
  {p} brought {g} from the {place}.`);

const LOWEST_STATED = 2;
const HIGHEST_STATED = 9;

/**
 * The stated number is drawn first, with the same distribution for every class, so that it does not reveal the class.
 */
const numbers: Teller = (random, { person, other }, wanted) => {
  const goods = pick(random, GOODS);
  const stated = LOWEST_STATED + random.integer(HIGHEST_STATED - LOWEST_STATED + 1);
  const exact = once(random, 2);
  const statement = pick(random, exact ? EXACTLY : MORE_THAN)({ p: person.name, n: counted(stated, goods) });
  if (wanted === 'not said') {
    const slots = { p: person.name, g: goods.many, r: other.name, place: pick(random, PLACES) };
    return { about: goods.one, sentences: [pick(random, UNCOUNTED)(slots)], statement };
  }
  for (;;) {
    const changes = random.integer(2);
    const tale = tellCount(random, { person, goods, changes, others: [other.name] });
    const count = present(tale.counts.at(-1), 'last of tale.counts');
    const holds = exact ? count === stated : count > stated;
    if (holds === (wanted === 'entailed')) return { about: goods.one, sentences: tale.sentences, statement };
  }
};

const STRANGERS_RELATIONS = RELATIONS.filter(({ id }) => ['trade', 'food', 'instrument', 'fear'].includes(id));

interface Bearings {
  readonly denied: readonly Template[];
  readonly open: readonly Template[];
}

/** By relation: sentences that contradict a fact, and sentences that leave it open. */
const BEARINGS: Readonly<Record<string, Bearings>> = {
  trade: {
    denied: templates(`
      {s} is no longer {ao}.
      {s} gave up working as {ao}.
      {s} never became {ao}.`),
    open: templates(`
      {s} wanted to talk to {ao}.
      {s} lives next to {ao}.
      Nobody could say whether {s} was {ao}.`),
  },
  food: {
    denied: templates(`
      {s} never eats {o}.
      {s} cannot stand {o}.
      Do not offer {m} any {o}.`),
    open: templates(`
      {s} sold {o} at the market.
      {s} had never heard of {o}.
      Nobody could say whether {s} liked {o}.`),
  },
  instrument: {
    denied: templates(`
      {s} never learned to play the {o}.
      {s} cannot play the {o}.
      {s} gave up playing the {o}.`),
    open: templates(`
      {s} has seen {ao} in a shop.
      {s} likes the sound of the {o}.
      Nobody could say whether {s} played the {o}.`),
  },
  fear: {
    denied: templates(`
      {s} is not afraid of {o}.
      {s} has never run away from {o}.
      {s} does not mind {o}.`),
    open: templates(`
      {s} told a story about {o}.
      {s} once painted a picture of {o}.
      Nobody could say whether {s} was afraid of {o}.`),
  },
};

const facts =
  ({ id, forms, answers }: Relation): Teller =>
  (random, { person }, wanted) => {
    const { denied, open } = present(BEARINGS[id], 'BEARINGS[id]');
    const [o, another] = pickSome(random, answers as readonly string[], 2) as [string, string];
    const [told, stated] = pickSome(random, forms, 2) as [Template, Template];
    const subject = { kind: 'person', name: person.name, person, facts: [] } as const;
    const say = (form: Template, answer: string): string =>
      form({ ...subjectSlots(subject, false), o: answer, ao: withArticle(answer) });
    const sentences = {
      entailed: () => [say(told, o)],
      contradicted: () => (once(random, 4) ? [say(told, another)] : [say(pick(random, denied), o)]),
      'not said': () => [say(pick(random, open), o)],
    };
    return { about: o, sentences: sentences[wanted](), statement: say(stated, o) };
  };
