/**
 * Tales that change the state of the world, with the final state: where things are, who has them, how many there are.
 * The sentences of a tale stay in order; other sentences may be inserted between them.
 */
import { present } from '../../../contracts/present.ts';
import type { Random } from '../../../numerics/tensor/random.ts';
import { setting, view } from './filler.ts';
import { GOODS, PLACES, THING_ADJECTIVES, THINGS } from './lexicon.ts';
import { counted, type Noun, numberWord, once, type Person, pick, pickSome, pronounsOf, templates } from './prose.ts';

/** `the red lamp` without its article; the noun identifies it. */
export function drawThings(random: Random, count: number): string[] {
  return pickSome(random, THINGS, count).map(({ one }) => `${pick(random, THING_ADJECTIVES)} ${one}`);
}

const STOOD = templates(`
  The {o} was in the {a}.
  At first the {o} was in the {a}.
  The {o} had always been in the {a}.
  In the {a} stood the {o}.
  {p} kept the {o} in the {a}.
  {p} had left the {o} in the {a}.`);
const CARRIED = templates(`
  {p} carried the {o} to the {b}.
  {p} carried the {o} from the {a} to the {b}.
  {p} took the {o} out of the {a} and put it in the {b}.
  {p} hid the {o} in the {b}.
  {p} put the {o} in the {b}.
  {p} went to the {a}, and {he} brought the {o} to the {b}.
  To the {b} {p} brought the {o} from the {a}.
  Because it was in the way, {p} moved the {o} to the {b}.`);
const TAKEN = templates(`
  {p} picked up the {o}.
  {p} went to the {a} and picked up the {o}.
  {p} found the {o} and took it along.
  With the {o} under {his} arm, {p} left the {a}.`);
const WALKED = templates(`
  Then {he} went to the {b} and put it down.
  In the {b} {he} put it down.
  {he} walked to the {b} and left it there.
  {he} did not stop before the {b}, where {he} set it down.`);

export interface LocationTale {
  readonly sentences: readonly string[];
  readonly things: readonly string[];
  /** All places named in the tale. */
  readonly places: readonly string[];
  /** Thing → places it has been in, in order; the last one is its present place. */
  readonly whereabouts: ReadonlyMap<string, readonly string[]>;
}

export function tellLocations(
  random: Random,
  options: {
    readonly people: readonly Person[];
    readonly things: number;
    readonly places: number;
    readonly moves: number;
  },
): LocationTale {
  const things = drawThings(random, options.things);
  const places = pickSome(random, PLACES, options.places);
  const sentences: string[] = [];
  const whereabouts = new Map<string, string[]>();
  const named = new Set<string>();
  for (const o of things) {
    const a = pick(random, places);
    whereabouts.set(o, [a]);
    named.add(a);
    sentences.push(pick(random, STOOD)({ o, a, p: pick(random, options.people).name }));
  }
  for (let move = 0; move < options.moves; move++) {
    const o = pick(random, things);
    const been = present(whereabouts.get(o), 'whereabouts of o');
    const a = present(been.at(-1), 'last of been');
    const b = pick(
      random,
      places.filter((place) => place !== a),
    );
    const person = pick(random, options.people);
    const { he, his } = pronounsOf(person);
    const slots = { p: person.name, he, his, o, a, b };
    if (once(random, 3)) {
      sentences.push(`${pick(random, TAKEN)(slots)} ${pick(random, WALKED)(slots)}`); // one unit: the second has a pronoun
    } else sentences.push(pick(random, CARRIED)(slots));
    been.push(b);
    named.add(b);
  }
  // A place not yet named is mentioned at the beginning, where no sentence refers back.
  for (const place of places) if (!named.has(place)) sentences.unshift(view(random, place));
  return { sentences, things, places, whereabouts };
}

const HAD = templates(`
  {p} had the {o}.
  At first the {o} was with {p}.
  {p} owned the {o}.
  The {o} had been a present for {p}.`);
const PASSED = templates(`
  {p} gave the {o} to {q}.
  {p} sold the {o} to {q}.
  {q} bought the {o} from {p}.
  {q} got the {o} from {p}.
  {q} took the {o} away from {p}.
  {p} lost the {o} to {q} in a game.
  {p} sent the {o} to {q} as a present.
  From {p} the {o} went to {q}.
  {p} did not need the {o}, so {q} was given it.
  {q} asked {p} for the {o} and got it.`);
const MET = templates(`
  {p} met {q} on the way.
  {p} and {q} had a long talk.
  {q} waited for {p} all day.
  {p} had supper with {q}.
  {q} wrote a letter to {p}.`);

export interface PossessionTale {
  readonly sentences: readonly string[];
  readonly things: readonly string[];
  /** Thing → its owners, in order; the last one has it now. */
  readonly holders: ReadonlyMap<string, readonly string[]>;
}

export function tellPossessions(
  random: Random,
  options: { readonly people: readonly Person[]; readonly things: number; readonly moves: number },
): PossessionTale {
  const things = drawThings(random, options.things);
  const { people } = options;
  const sentences: string[] = [];
  const holders = new Map<string, string[]>();
  const named = new Set<string>();
  for (const o of things) {
    const p = pick(random, people).name;
    holders.set(o, [p]);
    named.add(p);
    sentences.push(pick(random, HAD)({ p, o }));
  }
  for (let move = 0; move < options.moves; move++) {
    const o = pick(random, things);
    const had = present(holders.get(o), 'holders of o');
    const p = present(had.at(-1), 'last of had');
    const q = pick(
      random,
      people.filter(({ name }) => name !== p),
    ).name;
    sentences.push(pick(random, PASSED)({ p, q, o }));
    had.push(q);
    named.add(q);
    if (once(random, 3)) sentences.push(meeting(random, people));
  }
  for (const { name } of people) {
    if (named.has(name)) continue;
    const q = pick(
      random,
      people.filter((other) => other.name !== name),
    ).name;
    sentences.splice(random.integer(sentences.length + 1), 0, pick(random, MET)({ p: name, q }));
  }
  return { sentences, things, holders };
}

function meeting(random: Random, people: readonly Person[]): string {
  const [p, q] = pickSome(random, people, 2) as [Person, Person];
  return pick(random, MET)({ p: p.name, q: q.name });
}

const COUNTED = templates(`
  {p} had {n}.
  {p} started the day with {n}.
  There were {n2} in the basket of {p}.
  {p} had picked out {n} at the market.`);
const MORE = templates(`
  {p} found {k} more.
  Then {p} bought {k} more.
  {r} gave {p} {kn}.
  {p} got {kn} from {r}.
  On the way {p} was given {k} more.`);
const FEWER = templates(`
  {p} lost {k} of them.
  {p} gave {k} of them to {r}.
  {r} took {kn} away from {p}.
  Then {p} sold {k} of them.
  On the way {p} dropped {k} of them.`);

/** Largest number of a tale. */
const LARGEST_COUNT = 12;

export interface CountTale {
  readonly sentences: readonly string[];
  readonly person: Person;
  readonly goods: Noun;
  /** Counts in order; the last one is the present count. */
  readonly counts: readonly number[];
}

export function tellCount(
  random: Random,
  options: {
    readonly person: Person;
    readonly goods: Noun;
    readonly changes: number;
    readonly others: readonly string[];
  },
): CountTale {
  const { person, goods, changes, others } = options;
  const counts = [2 + random.integer(LARGEST_COUNT - 3)];
  const p = person.name;
  const first = present(counts[0], 'counts[0]');
  const n = counted(first, goods);
  const sentences = [pick(random, COUNTED)({ p, n, n2: n })];
  for (let change = 0; change < changes; change++) {
    const now = present(counts.at(-1), 'last of counts');
    const grows = now < 3 || (now < LARGEST_COUNT && once(random, 2));
    const k = 1 + random.integer(Math.min(5, grows ? LARGEST_COUNT - now : now - 1));
    const slots = { p, r: pick(random, others), k: numberWord(k), kn: counted(k, goods) };
    sentences.push(pick(random, grows ? MORE : FEWER)(slots));
    counts.push(grows ? now + k : now - k);
  }
  return { sentences, person, goods, counts };
}

const PAIRS = templates(`
  {p} had {n}, and {q} had {m}.
  {q} had {mg}. {p} had {n}.
  {p} brought {n}. {q} brought {m}.
  The basket of {p} held {n}, that of {q} held {m}.
  {p} counted {n}, {q} counted {m}.`);

export interface SumTale {
  readonly sentence: string;
  readonly goods: Noun;
  readonly parts: readonly [number, number];
  readonly total: number;
}

/** Two people combine what they have: 1 to 9 each. */
export function tellSum(random: Random, people: readonly [Person, Person]): SumTale {
  const goods = pick(random, GOODS);
  const parts = [1 + random.integer(9), 1 + random.integer(9)] as const;
  const [p, q] = people;
  const sentence = pick(
    random,
    PAIRS,
  )({
    p: p.name,
    q: q.name,
    n: counted(parts[0], goods),
    m: numberWord(parts[1]),
    mg: counted(parts[1], goods),
  });
  return { sentence, goods, parts, total: parts[0] + parts[1] };
}

/** Inserts a sentence about the weather between two others, `count` times. */
export function withSettings(random: Random, sentences: readonly string[], count: number): string[] {
  const result = [...sentences];
  for (let added = 0; added < count; added++) result.splice(random.integer(result.length + 1), 0, setting(random));
  return result;
}
