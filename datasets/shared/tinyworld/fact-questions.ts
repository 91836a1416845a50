/**
 * Questions about facts: a sentence without its answer, with three wrong answers that are correct for other subjects.
 */
import { present } from '../../../contracts/present.ts';
import type { DatasetRow } from '../../../contracts/dataset.ts';
import { createRandom, type Random } from '../../../numerics/tensor/random.ts';
import { tinyWorldCorpus } from './corpus.ts';
import { ENTRY_OPENINGS, SOURCES } from './documents.ts';
import { setting } from './filler.ts';
import { pick } from './prose.ts';
import { answerPhrase, type Fact, type Subject, subjectSlots, tinyWorld, WORLD_SEED } from './world.ts';

/** Slices by how often training text states the fact; gaps between them keep the slices distinct. */
export const FACT_SLICES = {
  head: { from: 80, to: Infinity },
  middle: { from: 25, to: 60 },
  tail: { from: 1, to: 12 },
} as const;

const PER_SLICE = 250;
const WRONG_ANSWERS = 3;

/** 250 rows per slice, each about another fact. */
export function factQuestions(): readonly DatasetRow[] {
  const world = tinyWorld();
  const { factCounts } = tinyWorldCorpus();
  const subjectOf = new Map(world.subjects.flatMap((subject) => subject.facts.map((fact) => [fact, subject] as const)));
  const random = createRandom(`${WORLD_SEED}/fact-questions`);
  return Object.entries(FACT_SLICES).flatMap(([slice, { from, to }]) => {
    const facts = world.facts.filter(
      ({ index }) =>
        present(factCounts[index], 'factCounts[index]') >= from &&
        present(factCounts[index], 'factCounts[index]') <= to,
    );
    const chosen = random.shuffle(facts).slice(0, PER_SLICE);
    return chosen.map((fact) => ({
      id: `${slice}-${fact.relation.id}-${String(fact.index).padStart(4, '0')}`,
      slice,
      ...question(random, { fact, subject: present(subjectOf.get(fact), 'subjectOf of fact'), sameSlice: facts }),
    }));
  });
}

function question(
  random: Random,
  parts: { readonly fact: Fact; readonly subject: Subject; readonly sameSlice: readonly Fact[] },
): Pick<DatasetRow, 'text' | 'choices' | 'label'> {
  const { fact, subject, sameSlice } = parts;
  const { ask, article } = pick(random, fact.relation.questions);
  const opening = pick(random, ENTRY_OPENINGS)({ s: subject.name, source: pick(random, SOURCES) });
  const answers = random.shuffle([fact.answer, ...wrongAnswers(random, fact, sameSlice)]);
  return {
    text: `${opening} ${setting(random)} ${ask(subjectSlots(subject, false))}`,
    choices: answers.map((answer) => ` ${answerPhrase(answer, article)}.`),
    label: answers.indexOf(fact.answer),
  };
}

/**
 * Answers that are correct for other facts of the relation, stated about as often as this one where there are enough: a
 * frequent answer is then no more likely to be correct.
 */
function wrongAnswers(random: Random, fact: Fact, sameSlice: readonly Fact[]): readonly string[] {
  const answersOf = (facts: readonly Fact[]): string[] =>
    facts.filter(({ relation }) => relation === fact.relation).map(({ answer }) => answer);
  const pools = [answersOf(sameSlice), answersOf(tinyWorld().facts)];
  const wrong = new Set<string>();
  for (const pool of pools) {
    for (const answer of random.shuffle(pool)) {
      if (wrong.size < WRONG_ANSWERS && answer !== fact.answer && answer !== fact.subject) wrong.add(answer);
    }
  }
  return [...wrong];
}
