/**
 * The world: all subjects, and one answer for every subject and relation. Subjects of all kinds share one order of
 * fame; the frequency of a subject in the text is proportional to 1 / (rank + FAME_OFFSET).
 */
import { present } from '../../../contracts/present.ts';
import { createRandom, type Random } from '../../../numerics/tensor/random.ts';
import { type Names, inventNames } from './names.ts';
import { type Person, pick, pronounsOf, withArticle } from './prose.ts';
import { RELATIONS, type Relation, type SubjectKind } from './relations.ts';
import { createZipf } from './zipf.ts';

export const WORLD_SEED = 'tinyworld/1';

const COUNTS = { people: 288, strangers: 96, towns: 56, countries: 9, rivers: 28, creatures: 40 };

/** Flattens the head of the distribution, so that the most famous subject does not dominate the text. */
const FAME_OFFSET = 6;

export interface Subject {
  readonly kind: SubjectKind;
  /** `Belda`, `Ashford`, `the slock`. */
  readonly name: string;
  /** The person, if the subject is one. */
  readonly person?: Person;
  readonly facts: readonly Fact[];
}

export interface Fact {
  /** Position in World.facts. */
  readonly index: number;
  readonly subject: string;
  readonly relation: Relation;
  readonly answer: string;
}

export interface World {
  readonly names: Names;
  /** In order of fame. */
  readonly subjects: readonly Subject[];
  /** The people among them, in order of fame. */
  readonly people: readonly Subject[];
  readonly facts: readonly Fact[];
  drawSubject(random: Random): Subject;
  drawPerson(random: Random): Person;
}

let built: World | undefined;

/** The world of all TinyWorld datasets; generated at the first call. */
export function tinyWorld(): World {
  built ??= createWorld(createRandom(WORLD_SEED));
  return built;
}

function createWorld(random: Random): World {
  const names = inventNames(random.fork('names'), COUNTS);
  const genders = random.fork('genders');
  const draw = random.fork('facts');
  const facts: Fact[] = [];

  function answerOf(relation: Relation, name: string): string {
    const answers = typeof relation.answers === 'string' ? names[relation.answers] : relation.answers;
    let answer = pick(draw, answers);
    while (answer === name) answer = pick(draw, answers);
    return answer;
  }
  function subject(kind: SubjectKind, name: string): Subject {
    const own = RELATIONS.filter((relation) => relation.subject === kind).map((relation) => {
      const fact = { index: facts.length, subject: name, relation, answer: answerOf(relation, name) };
      facts.push(fact);
      return fact;
    });
    if (kind !== 'person') return { kind, name, facts: own };
    return { kind, name, facts: own, person: { name, woman: genders.integer(2) === 0 } };
  }
  const subjects = random
    .fork('fame')
    .shuffle([
      ...names.people.map((name) => subject('person', name)),
      ...names.towns.map((name) => subject('town', name)),
      ...names.creatures.map((name) => subject('creature', `the ${name}`)),
    ]);
  const people = subjects.filter(({ kind }) => kind === 'person');
  const subjectRank = createZipf(subjects.length, FAME_OFFSET);
  const personRank = createZipf(people.length, FAME_OFFSET);
  return {
    names,
    subjects,
    people,
    facts,
    drawSubject: (stream) => present(subjects[subjectRank(stream)], 'subject drawn'),
    drawPerson: (stream) => present(people[personRank(stream)], 'person drawn').person as Person,
  };
}

/** Values of the slots of a relation's sentences, with the subject by name or pronoun. */
export function subjectSlots(subject: Subject, asPronoun: boolean): Record<'s' | 'm' | 'g' | 'his', string> {
  const { name, person } = subject;
  const { he, him, his } = person ? pronounsOf(person) : { he: 'it', him: 'it', his: 'its' };
  return asPronoun ? { s: he, m: him, g: his, his } : { s: name, m: name, g: `${name}'s`, his };
}

/** The answer in its form at the end of a sentence. */
export function answerPhrase(answer: string, article: boolean): string {
  return article ? withArticle(answer) : answer;
}

export function stateFact(random: Random, parts: { subject: Subject; fact: Fact; asPronoun: boolean }): string {
  const { subject, fact, asPronoun } = parts;
  const slots = { ...subjectSlots(subject, asPronoun), o: fact.answer, ao: withArticle(fact.answer) };
  return pick(random, fact.relation.forms)(slots);
}
