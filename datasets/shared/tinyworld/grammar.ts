/**
 * Sentences that depend on one point of grammar, each with an ungrammatical variant, in the manner of BLiMP (Warstadt
 * et al.
 * 2020, https://arxiv.org/abs/1912.00582). Training text has only the grammatical ones. Every sentence has a core: two
 * words whose combination is used either for training or for tests, so that no test sentence can occur in training
 * text.
 */
import type { Random } from '../../../numerics/tensor/random.ts';
import {
  GOODS,
  IRREGULAR_VERBS,
  MEN,
  NEAR,
  PERSON_STATES,
  PERSON_VERBS,
  PLACES,
  ROLES,
  SINGULAR_PLURAL_VERBS,
  THING_ADJECTIVES,
  THING_STATES,
  THING_VERBS,
  THINGS,
  WOMEN,
} from './lexicon.ts';
import { bucketOf, capitalized, type Noun, numberWord, once, pick, pronounsOf, withArticle } from './prose.ts';

export interface MinimalPair {
  /** The common beginning; may be empty. */
  readonly opening: string;
  readonly right: string;
  readonly wrong: string;
}

interface Draft extends MinimalPair {
  readonly core: string;
}

type Phenomenon = (random: Random) => Draft;

/** One combination in this many is reserved for tests. */
const HELD_OUT_ONE_IN = 6;

const form = (noun: Noun, plural: boolean): string => (plural ? noun.many : noun.one);
const PEOPLE: readonly Noun[] = [...WOMEN, ...MEN, ...ROLES];

/** Singular or plural, with the correct and the wrong ending. */
function agreement(
  random: Random,
  plural: boolean,
  ofPerson: boolean,
): { readonly right: string; readonly wrong: string } {
  const state = pick(random, ofPerson ? PERSON_STATES : THING_STATES);
  const place = pick(random, PLACES);
  const lexical = once(random, 2);
  const verb = pick(random, lexical ? (ofPerson ? PERSON_VERBS : THING_VERBS) : SINGULAR_PLURAL_VERBS);
  const looks =
    verb[0] === 'looks' ? state : verb[0] === 'costs' ? 'a lot' : verb[0] === 'belongs' ? 'to the king' : '';
  const rest = lexical ? looks || `in the ${place}` : once(random, 3) ? `in the ${place}` : state;
  const [one, many] = verb;
  return { right: `${plural ? many : one} ${rest}.`, wrong: `${plural ? one : many} ${rest}.` };
}

/** `the keys near the old box`: one or two attractors of the other number. */
const overAttractor: Phenomenon = (random) => {
  const plural = once(random, 2);
  const subject = pick(random, THINGS);
  const attractor = pick(random, THINGS);
  const second = once(random, 3) ? ` ${pick(random, NEAR)} the ${form(pick(random, THINGS), !plural)}` : '';
  const adjective = pick(random, THING_ADJECTIVES);
  return {
    core: `${subject.one}|${attractor.one}`,
    opening: `The ${form(subject, plural)} ${pick(random, NEAR)} the ${adjective} ${form(attractor, !plural)}${second}`,
    ...agreement(random, plural, false),
  };
};

/** `the baker whom the guards saw`, `the guard who talks to the bakers`. */
const overRelativeClause: Phenomenon = (random) => {
  const plural = once(random, 2);
  const subject = pick(random, PEOPLE);
  const attractor = pick(random, PEOPLE);
  const [one, many] = pick(random, PERSON_VERBS);
  const other = form(attractor, !plural);
  const adjective = pick(random, PERSON_STATES);
  const clause = once(random, 2)
    ? `whom the ${other} saw in the ${pick(random, PLACES)}`
    : `who ${plural ? many : one} with the ${adjective} ${other}`;
  return {
    core: `${subject.one}|${attractor.one}`,
    opening: `The ${form(subject, plural)} ${clause}`,
    ...agreement(random, plural, true),
  };
};

const plainAgreement: Phenomenon = (random) => {
  const plural = once(random, 2);
  const ofPerson = once(random, 2);
  const subject = pick(random, ofPerson ? PEOPLE : THINGS);
  const adjective = pick(random, ofPerson ? PERSON_STATES : THING_ADJECTIVES);
  return {
    core: `${subject.one}|${adjective}`,
    opening: `The ${adjective} ${form(subject, plural)}`,
    ...agreement(random, plural, ofPerson),
  };
};

const determinerNoun: Phenomenon = (random) => {
  const plural = once(random, 2);
  const noun = pick(random, THINGS);
  const person = pick(random, PEOPLE);
  const determiner = pick(random, plural ? ['these', 'those', 'both', 'many'] : ['this', 'that', 'each', 'every']);
  const verb = pick(random, ['found', 'wanted', 'carried', 'cleaned', 'liked', 'sold', 'painted', 'lost']);
  return {
    core: `${noun.one}|${person.one}`,
    opening: `The ${form(person, once(random, 2))} ${verb} ${determiner}`,
    right: `${form(noun, plural)}.`,
    wrong: `${form(noun, !plural)}.`,
  };
};

const determinerAdjectiveNoun: Phenomenon = (random) => {
  const draft = determinerNoun(random);
  const adjectives = [pick(random, THING_ADJECTIVES), ...(once(random, 2) ? [pick(random, THING_ADJECTIVES)] : [])];
  return { ...draft, opening: `${draft.opening} ${[...new Set(adjectives)].join(' ')}` };
};

const numberNoun: Phenomenon = (random) => {
  const noun = pick(
    random,
    GOODS.filter(({ one, many }) => one !== many),
  );
  const person = pick(random, PEOPLE);
  const plural = !once(random, 3);
  const count = plural ? numberWord(2 + random.integer(11)) : 'one';
  const verb = pick(random, ['ate', 'bought', 'counted', 'wanted', 'brought', 'had']);
  return {
    core: `${noun.one}|${person.one}`,
    opening: `The ${form(person, once(random, 2))} ${verb} only ${count}${once(random, 2) ? ' small' : ''}`,
    right: `${form(noun, plural)}.`,
    wrong: `${form(noun, !plural)}.`,
  };
};

/** A person whose noun determines the pronoun. */
function gendered(random: Random): { readonly noun: Noun; readonly woman: boolean } {
  const woman = once(random, 2);
  return { noun: pick(random, woman ? WOMEN : MEN), woman };
}

const pronounGender: Phenomenon = (random) => {
  const { noun, woman } = gendered(random);
  const thing = pick(random, THINGS);
  const state = pick(random, PERSON_STATES);
  const link = pick(random, ['because', 'although', 'when', 'while']);
  const verb = pick(random, ['opened', 'hid', 'dropped', 'forgot', 'fetched', 'moved']);
  return {
    core: `${noun.one}|${thing.one}`,
    opening: `The ${noun.one} ${verb} the ${pick(random, THING_ADJECTIVES)} ${thing.one} ${link}`,
    right: `${pronounsOf({ woman }).he} was ${state}.`,
    wrong: `${pronounsOf({ woman: !woman }).he} was ${state}.`,
  };
};

const REFLEXIVE_VERBS = ['hurt', 'blamed', 'dressed', 'washed', 'admired', 'introduced', 'surprised', 'hid'];

/** With an attractor that may be of the other gender. */
const reflexiveGender: Phenomenon = (random) => {
  const { noun, woman } = gendered(random);
  const attractor = pick(random, PEOPLE);
  const rest = `in the ${pick(random, PLACES)}.`;
  return {
    core: `${noun.one}|${attractor.one}`,
    opening: `The ${noun.one} who stood ${pick(random, ['near', 'behind', 'beside'])} the ${attractor.one} ${pick(random, REFLEXIVE_VERBS)}`,
    right: `${pronounsOf({ woman }).himself} ${rest}`,
    wrong: `${pronounsOf({ woman: !woman }).himself} ${rest}`,
  };
};

const reflexiveNumber: Phenomenon = (random) => {
  const { noun, woman } = gendered(random);
  const plural = once(random, 2);
  const attractor = pick(random, PEOPLE);
  const rest = `in the ${pick(random, PLACES)}.`;
  const single = pronounsOf({ woman }).himself;
  return {
    core: `${noun.one}|${attractor.one}`,
    opening: `The ${form(noun, plural)} near the ${form(attractor, !plural)} ${pick(random, REFLEXIVE_VERBS)}`,
    right: `${plural ? 'themselves' : single} ${rest}`,
    wrong: `${plural ? single : 'themselves'} ${rest}`,
  };
};

const irregularVerb: Phenomenon = (random) => {
  const [past, participle] = pick(random, IRREGULAR_VERBS);
  const person = pick(random, PEOPLE);
  const thing = pick(random, THINGS);
  const perfect = once(random, 2);
  const adverb = once(random, 2) ? ` ${pick(random, ['already', 'never', 'often'])}` : '';
  const object = `the ${pick(random, THING_ADJECTIVES)} ${thing.one}.`;
  return {
    core: `${person.one}|${thing.one}`,
    opening: `The ${form(person, once(random, 2))}${perfect ? ' had' : ''}${adverb}`,
    right: `${perfect ? participle : past} ${object}`,
    wrong: `${perfect ? past : participle} ${object}`,
  };
};

const article: Phenomenon = (random) => {
  const adjective = pick(random, THING_ADJECTIVES);
  const thing = pick(random, THINGS);
  const rest = `${adjective} ${thing.one}.`;
  const right = withArticle(rest);
  const verb = pick(random, ['wanted', 'bought', 'dreamed of', 'looked for', 'found', 'asked for']);
  return {
    core: `${adjective}|${thing.one}`,
    opening: `The ${form(pick(random, PEOPLE), once(random, 2))} ${verb}`,
    right,
    wrong: `${right.startsWith('an ') ? 'a' : 'an'} ${rest}`,
  };
};

const negativePolarity: Phenomenon = (random) => {
  const person = pick(random, ROLES);
  const thing = pick(random, THINGS);
  const rest = `${person.one} had ever ${pick(random, IRREGULAR_VERBS)[1]} the ${thing.one}.`;
  return {
    core: `${person.one}|${thing.one}`,
    opening: `In ${pick(random, ['the village', 'the whole town', 'this house', 'those days'])}`,
    right: `no ${rest}`,
    wrong: `some ${rest}`,
  };
};

const PHENOMENA = {
  'agreement-plain': plainAgreement,
  'agreement-attractor': overAttractor,
  'agreement-relative-clause': overRelativeClause,
  'determiner-noun': determinerNoun,
  'determiner-adjective-noun': determinerAdjectiveNoun,
  'number-noun': numberNoun,
  'pronoun-gender': pronounGender,
  'reflexive-gender': reflexiveGender,
  'reflexive-number': reflexiveNumber,
  'irregular-verb': irregularVerb,
  article,
  'negative-polarity': negativePolarity,
} as const satisfies Record<string, Phenomenon>;

export type PhenomenonId = keyof typeof PHENOMENA;

export const PHENOMENON_IDS = Object.keys(PHENOMENA) as readonly PhenomenonId[];

/** A pair whose core is reserved for tests, or one whose core is not. */
export function drawMinimalPair(random: Random, phenomenon: PhenomenonId, heldOut: boolean): MinimalPair {
  for (;;) {
    const { core, opening, right, wrong } = PHENOMENA[phenomenon](random);
    if ((bucketOf(core, HELD_OUT_ONE_IN) === 0) === heldOut) return { opening, right, wrong };
  }
}

/** A grammatical sentence of a random phenomenon, for training text. */
export function grammaticalSentence(random: Random): string {
  const { opening, right } = drawMinimalPair(random, pick(random, PHENOMENON_IDS), false);
  return capitalized(`${opening} ${right}`);
}
