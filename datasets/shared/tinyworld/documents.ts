/**
 * The documents of the corpus: entries about a subject, almanacs, stories that end with a question about their state,
 * sketches.
 */
import { present } from '../../../contracts/present.ts';
import type { Random } from '../../../numerics/tensor/random.ts';
import { doing, setting } from './filler.ts';
import { grammaticalSentence } from './grammar.ts';
import { GOODS } from './lexicon.ts';
import { counted, numberWord, once, type Person, pick, pickSome, templates } from './prose.ts';
import { tellCount, tellLocations, tellPossessions, tellSum, withSettings } from './tales.ts';
import { type Fact, stateFact, type World } from './world.ts';

export interface Teller {
  readonly random: Random;
  readonly world: World;
  /** Called for every stated fact. */
  readonly tally: (fact: Fact) => void;
}

export const ENTRY_OPENINGS = templates(`
  This is what people say about {s}.
  There are many stories about {s}.
  Not everybody has heard of {s}.
  Here is what the {source} says about {s}.
  If you ask about {s}, you will hear this.
  {s}: an entry from the {source}.
  A few words about {s}.`);
export const SOURCES = ['book', 'library', 'newspaper', 'old map', 'almanac', 'schoolteacher', 'king'];

/** Facts about one subject, by name or pronoun, with unrelated sentences in between. */
export function entry({ random, world, tally }: Teller): string {
  const subject = world.drawSubject(random);
  const facts = pickSome(random, subject.facts, 3 + random.integer(subject.facts.length - 2));
  const sentences = [pick(random, ENTRY_OPENINGS)({ s: subject.name, source: pick(random, SOURCES) })];
  facts.forEach((fact, index) => {
    tally(fact);
    sentences.push(stateFact(random, { subject, fact, asPronoun: index > 0 && random.integer(5) < 3 }));
    if (subject.person && once(random, 4)) sentences.push(doing(random, subject.person, once(random, 2)));
    else if (once(random, 6)) sentences.push(setting(random));
  });
  return sentences.join(' ');
}

const ALMANAC_OPENINGS = templates(`
  Things to know.
  From the almanac.
  What the {source} says.
  Some questions and answers.
  Did you know?
  Notes from the {source}.`);

/** Facts about many subjects, each by name. */
export function almanac({ random, world, tally }: Teller): string {
  const sentences = [pick(random, ALMANAC_OPENINGS)({ source: pick(random, SOURCES) })];
  for (let left = 5 + random.integer(6); left > 0; left--) {
    const subject = world.drawSubject(random);
    const fact = pick(random, subject.facts);
    tally(fact);
    sentences.push(stateFact(random, { subject, fact, asPronoun: false }));
  }
  return sentences.join(' ');
}

export const WHERE_ENDINGS = templates(`
  In the end, the {o} was in the {a}.
  Where was the {o} now? It was in the {a}.
  When somebody looked for the {o}, it was in the {a}.
  So the {o} was in the {a}.
  That night the {o} was still in the {a}.`);
export const WHOSE_ENDINGS = templates(`
  In the end, the {o} was with {a}.
  Who had the {o} now? It was {a}.
  So the one who had the {o} was {a}.
  That night the {o} belonged to {a}.
  When somebody asked for the {o}, it was with {a}.`);
export const HOW_MANY_ENDINGS = templates(`
  In the end, {p} counted the {o}: there were {a}.
  How many {o} did {p} have now? The answer is {a}.
  So the number of {o} that {p} had was {a}.
  That night {p} counted the {o} and got to {a}.`);
export const TOGETHER_ENDINGS = templates(`
  How many {o} is that together? The answer is {a}.
  So the number of {o} was {a}.
  Together the {o} made {a}.
  Somebody counted all the {o} and got to {a}.`);

export function drawPeople(random: Random, world: World, count: number): Person[] {
  const people = new Set<Person>();
  while (people.size < count) people.add(world.drawPerson(random));
  return [...people];
}

/** Occasionally adds a fact about a person of the story. */
function introduction({ random, world, tally }: Teller, person: Person): string[] {
  if (!once(random, 2)) return [];
  const subject = world.people.find((candidate) => candidate.person === person);
  if (!subject) return [];
  const fact = pick(random, subject.facts);
  tally(fact);
  return [stateFact(random, { subject, fact, asPronoun: false })];
}

export function locationStory(teller: Teller): string {
  const { random, world } = teller;
  const people = drawPeople(random, world, 1 + random.integer(3));
  const tale = tellLocations(random, {
    people,
    things: 1 + random.integer(3),
    places: 3 + random.integer(2),
    moves: 1 + random.integer(4),
  });
  const endings = random.shuffle(tale.things).map((o) => {
    const a = present(tale.whereabouts.get(o)?.at(-1), 'last whereabouts of the object');
    return pick(random, WHERE_ENDINGS)({ o, a });
  });
  const lead = present(people[0], 'people[0]');
  return [
    ...introduction(teller, lead),
    ...withSettings(random, tale.sentences, 1),
    ...(once(random, 2) ? [doing(random, lead)] : []),
    ...endings,
  ].join(' ');
}

export function possessionStory(teller: Teller): string {
  const { random, world } = teller;
  const people = drawPeople(random, world, 3 + random.integer(2));
  const tale = tellPossessions(random, { people, things: 1 + random.integer(3), moves: 1 + random.integer(4) });
  const endings = random.shuffle(tale.things).map((o) => {
    const a = present(tale.holders.get(o)?.at(-1), 'last holder of the object');
    return pick(random, WHOSE_ENDINGS)({ o, a });
  });
  return [
    ...introduction(teller, pick(random, people)),
    ...withSettings(random, tale.sentences, 1),
    ...(once(random, 2) ? [doing(random, pick(random, people))] : []),
    ...endings,
  ].join(' ');
}

/** Changing counts and sums: two or three small problems. */
export function countingStory(teller: Teller): string {
  const { random, world } = teller;
  const people = drawPeople(random, world, 4);
  const sentences = [...introduction(teller, present(people[0], 'people[0]'))];
  for (let left = 2 + random.integer(2); left > 0; left--) {
    if (once(random, 3)) sentences.push(setting(random));
    const [person, other] = pickSome(random, people, 2) as [Person, Person];
    if (once(random, 2)) {
      const { sentence, goods, total } = tellSum(random, [person, other]);
      const sum = once(random, 3) ? `Together they had ${counted(total, goods)}.` : '';
      sentences.push(sentence, sum || pick(random, TOGETHER_ENDINGS)({ o: goods.many, a: numberWord(total) }));
      continue;
    }
    const others = people.map(({ name }) => name).filter((name) => name !== person.name);
    const tale = tellCount(random, { person, goods: pick(random, GOODS), changes: 1 + random.integer(3), others });
    const a = numberWord(present(tale.counts.at(-1), 'last of tale.counts'));
    sentences.push(...tale.sentences, pick(random, HOW_MANY_ENDINGS)({ p: person.name, o: tale.goods.many, a }));
  }
  return sentences.join(' ');
}

/** Descriptions: long noun phrases, pronouns, reflexives. */
export function sketch({ random, world }: Teller): string {
  const person = world.drawPerson(random);
  const sentences = [setting(random)];
  for (let left = 6 + random.integer(5); left > 0; left--) {
    sentences.push(once(random, 5) ? doing(random, person) : grammaticalSentence(random));
  }
  return sentences.join(' ');
}
