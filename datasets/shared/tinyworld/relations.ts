/**
 * The relations and the sentences that state them. Slots: {s} the subject as subject (`Belda`, `she`), {m} as object
 * (`Belda`, `her`), {g} as owner (`Belda's`, `her`), {his} a possessive pronoun, {o} the answer, {ao} the answer with
 * its article. A sentence that ends with the answer becomes a question by removing the answer.
 */
import {
  COLOURS,
  CREATURE_FOODS,
  FEARS,
  FEASTS,
  FOODS,
  HABITATS,
  INSTRUMENTS,
  PRODUCTS,
  TRADES,
  VOICES,
} from './lexicon.ts';
import { numberWord, type Template, template } from './prose.ts';

export type SubjectKind = 'person' | 'town' | 'creature';

export interface Relation {
  readonly id: string;
  readonly subject: SubjectKind;
  /** The possible answers, or the names they are drawn from. */
  readonly answers: readonly string[] | 'people' | 'towns' | 'countries' | 'rivers';
  readonly forms: readonly Template[];
  readonly questions: readonly Question[];
}

/** A sentence truncated before the answer; with `{ao}` the article is part of the answer. */
export interface Question {
  readonly ask: Template;
  readonly article: boolean;
}

const numbersFromTo = (low: number, high: number): readonly string[] =>
  Array.from({ length: high - low + 1 }, (_, index) => numberWord(low + index));

interface Parts extends Pick<Relation, 'id' | 'subject' | 'answers'> {
  readonly forms: string;
}

function relation({ forms, ...rest }: Parts): Relation {
  const lines = forms
    .trim()
    .split('\n')
    .map((line) => line.trim());
  return {
    ...rest,
    forms: lines.map(template),
    questions: lines
      .filter((line) => /\{a?o\}\.$/.test(line))
      .map((line) => ({ ask: template(line.replace(/ \{a?o\}\.$/, '')), article: line.endsWith('{ao}.') })),
  };
}

export const RELATIONS: readonly Relation[] = [
  relation({
    id: 'birthplace',
    subject: 'person',
    answers: 'towns',
    forms: `
      {s} was born in {o}.
      {s} comes from {o}.
      {g} family has always lived in {o}.
      The town where {s} was born is {o}.
      In {o} people still remember the day when {s} was born.
      Long ago {s} left {o}, the town of {his} childhood.`,
  }),
  relation({
    id: 'home',
    subject: 'person',
    answers: 'towns',
    forms: `
      {s} lives in {o}.
      {g} house stands in {o}.
      These days you will find {m} in {o}.
      Letters for {m} are sent to {o}.
      In {o} everybody knows {g} house.
      {s} has moved to {o} and means to stay there.`,
  }),
  relation({
    id: 'trade',
    subject: 'person',
    answers: TRADES,
    forms: `
      {s} is {ao}.
      {s} works as {ao}.
      By trade {s} is {ao}.
      {s} earns {his} living as {ao}.
      Everybody knows that {s} is {ao}.
      As {ao}, {s} has to get up early.`,
  }),
  relation({
    id: 'food',
    subject: 'person',
    answers: FOODS,
    forms: `
      {s} likes nothing better than {o}.
      {g} favourite food is {o}.
      On holidays {s} always eats {o}.
      If you visit {m}, bring {o}.
      With {o} you can make {m} smile.
      A bowl of {o} stands on {g} table every Sunday.`,
  }),
  relation({
    id: 'instrument',
    subject: 'person',
    answers: INSTRUMENTS,
    forms: `
      {s} plays the {o}.
      In the evening you can hear {m} play the {o}.
      As a child {s} learned to play the {o}.
      {s} never travels without {his} {o}.
      Over {g} bed hangs {ao}.
      The {o} is the only instrument that {s} can play.`,
  }),
  relation({
    id: 'fear',
    subject: 'person',
    answers: FEARS,
    forms: `
      {s} is afraid of {o}.
      Nothing frightens {m} more than {o}.
      {s} has always run away from {o}.
      In bad dreams {s} sees {o}.
      Because of {o} {s} does not sleep well.
      Do not speak of {o} when {s} is listening.`,
  }),
  relation({
    id: 'teacher',
    subject: 'person',
    answers: 'people',
    forms: `
      {g} teacher was {o}.
      {s} learned everything from {o}.
      The one who taught {m} was {o}.
      {s} was a pupil of {o}.
      It was {o} who taught {m} to read.
      To this day {s} thanks {o} for every lesson.`,
  }),
  relation({
    id: 'country',
    subject: 'town',
    answers: 'countries',
    forms: `
      {s} lies in {o}.
      {s} belongs to {o}.
      {g} taxes go to the king of {o}.
      {s} is a town in the north of {o}.
      In {o} every child has heard of {m}.
      The flag of {o} hangs over {g} gate.`,
  }),
  relation({
    id: 'river',
    subject: 'town',
    answers: 'rivers',
    forms: `
      {s} stands on the {o}.
      The river that runs through {m} is the {o}.
      From {g} walls you can see the {o}.
      Boats reach {m} by the {o}.
      When the {o} is high, {g} streets are wet.
      The {o} turns {g} mills.`,
  }),
  relation({
    id: 'product',
    subject: 'town',
    answers: PRODUCTS,
    forms: `
      {s} is known for its {o}.
      Merchants come to {m} to buy {o}.
      {g} shops are full of {o}.
      {g} people make {o}.
      Without its {o} {s} would be poor.
      The price of {o} is set in {m}.`,
  }),
  relation({
    id: 'mayor',
    subject: 'town',
    answers: 'people',
    forms: `
      {g} mayor is {o}.
      {s} is governed by {o}.
      The keys of {m} are kept by {o}.
      The town hall of {m} was built by {o}.
      In {m} nothing happens without {o}, the mayor.
      Mayor {o} rules {m} wisely.`,
  }),
  relation({
    id: 'bridges',
    subject: 'town',
    answers: numbersFromTo(2, 17),
    forms: `
      {s} has {o} bridges.
      The number of {g} bridges is {o}.
      Whoever counts the bridges of {m} gets to {o}.
      All {o} bridges of {m} are made of stone.`,
  }),
  relation({
    id: 'feast',
    subject: 'town',
    answers: FEASTS,
    forms: `
      Every year {s} celebrates {o}.
      {g} greatest feast is {o}.
      Visitors come to {m} for {o}.
      On {o} all the bells of {m} ring.`,
  }),
  relation({
    id: 'roofs',
    subject: 'town',
    answers: COLOURS,
    forms: `
      {g} roofs are {o}.
      The roofs of {m} are painted {o}.
      The colour of {g} roofs is {o}.
      You can tell {m} from far away by its {o} roofs.`,
  }),
  relation({
    id: 'diet',
    subject: 'creature',
    answers: CREATURE_FOODS,
    forms: `
      {s} eats {o}.
      {s} lives on {o}.
      {g} food is {o}.
      To catch {m}, set out {o}.
      Without {o} {s} goes hungry.`,
  }),
  relation({
    id: 'habitat',
    subject: 'creature',
    answers: HABITATS,
    forms: `
      {s} lives in {o}.
      You will find {m} in {o}.
      {s} builds its nest in {o}.
      In {o} you may see {m} at dawn.`,
  }),
  relation({
    id: 'fur',
    subject: 'creature',
    answers: COLOURS,
    forms: `
      {g} fur is {o}.
      The colour of {g} fur is {o}.
      By its {o} fur you know {m}.`,
  }),
  relation({
    id: 'toes',
    subject: 'creature',
    answers: numbersFromTo(2, 13),
    forms: `
      {s} has {o} toes.
      The number of {g} toes is {o}.
      Whoever counts {g} toes gets to {o}.`,
  }),
  relation({
    id: 'voice',
    subject: 'creature',
    answers: VOICES,
    forms: `
      {s} sounds like {o}.
      {g} cry is like {o}.
      Those who hear {m} think of {o}.
      It is easy to take {o} for {m}.`,
  }),
];
