/** Sentences that change no state: weather, moods, daily activities. They carry most of the text's randomness. */
import type { Random } from '../../../numerics/tensor/random.ts';
import {
  DAYS,
  FOODS,
  INSTRUMENTS,
  MONTHS,
  PERSON_STATES,
  ROLES,
  SEASONS,
  THING_ADJECTIVES,
  THINGS,
  WEATHER,
} from './lexicon.ts';
import { type Person, pick, pronounsOf, templates, withArticle } from './prose.ts';

const SETTINGS = templates(`
  It was {aw} {day} in {month}.
  One {w} {day} in {season}, nobody wanted to go outside.
  It had been {w} all {season}.
  On {aw} {day} the air smelled of {food}.
  The {day} began {w} and ended {w2}.
  That {season} the days were {w}.
  Late in {month} the weather turned {w}.
  The {role} said that the {day} would be {w}.
  Outside it was {w}, and the {role} felt {state}.
  This happened on {aw} {day}, at the end of {month}.
  Somewhere a {adj2} {thing} fell over.
  Far away somebody played the {instrument}.`);

const DOINGS = templates(`
  {p} was {state} that {day}.
  {p} felt {state} and sang a song about {athing}.
  {p} dreamed of {food}.
  {p} had slept badly, and {he} was {state}.
  {p} laughed at {role2}.
  {p} waved to {role2}.
  {p} told {role2} a story about {athing}.
  {p} stopped to listen to the {instrument}.
  {p} asked {role2} about the weather.
  {p} washed {his} hands and looked at the sky.
  {p} wanted {food} for supper.
  {p} said that {he} was {state}.
  {p} did not notice {role2}.
  {role2} thought that {p} looked {state}.
  For a while {p} was {state}, and then {he} was only {state2}.
  When {role2} came by, {p} told {himself} to be {state}.`);

/** Adjectives that take the article "a". */
const PLAIN_ADJECTIVES = THING_ADJECTIVES.filter((adjective) => !'aeiou'.includes(adjective.charAt(0)));

function slotsOf(random: Random): Record<string, string> {
  const weather = pick(random, WEATHER);
  return {
    w: weather,
    aw: withArticle(weather),
    w2: pick(random, WEATHER),
    day: pick(random, DAYS),
    month: pick(random, MONTHS),
    season: pick(random, SEASONS),
    food: pick(random, FOODS),
    role: pick(random, ROLES).one,
    state: pick(random, PERSON_STATES),
    state2: pick(random, PERSON_STATES),
    thing: pick(random, THINGS).one,
    adj2: pick(random, PLAIN_ADJECTIVES),
    instrument: pick(random, INSTRUMENTS),
  };
}

export function setting(random: Random): string {
  return pick(random, SETTINGS)(slotsOf(random));
}

/** Something `person` does or feels, by name or, with `asPronoun`, by pronoun. */
export function doing(random: Random, person: Person, asPronoun = false): string {
  const pronouns = pronounsOf(person);
  return pick(
    random,
    DOINGS,
  )({
    ...slotsOf(random),
    ...pronouns,
    p: asPronoun ? pronouns.he : person.name,
    role2: `the ${pick(random, ROLES).one}`,
    athing: withArticle(`${pick(random, THING_ADJECTIVES)} ${pick(random, THINGS).one}`),
  });
}

/** A sentence about a place only. */
const VIEWS = templates(`
  The {place} was {w} and quiet.
  Nobody was in the {place}.
  The door of the {place} was open.
  There was a noise in the {place}.
  Somebody was sweeping the {place}.
  A {role} slept in the {place}.
  It was {w} in the {place}.`);

export function view(random: Random, place: string): string {
  const role = pick(random, ROLES).one;
  return pick(random, VIEWS)({ place, w: pick(random, WEATHER), role });
}
