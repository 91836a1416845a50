/**
 * How often a board of equal methods separates any two of them, and what taking an entry away does to the others. Writes the
 * tables of PROTOCOL.md: `node scripts/simulate-ranks.ts`, about a minute on one core.
 */
import { join } from 'node:path';
import { markdownTable } from '../cli/render/markdown-table.ts';
import { type EntryOutcomes, createEntryComparison } from '../numerics/statistics/compare-entries.ts';
import { type Ranking, rankIntervals } from '../numerics/statistics/rank-intervals.ts';
import { type Random, createRandom } from '../numerics/tensor/random.ts';
import { writeGenerated } from './generated-section.ts';
import { heavyTailed, percent } from './simulation.ts';

const LEVEL = 0.05;
const ITEMS = 200;
const BOARDS = 1000;
const SEEDED_BOARDS = 200;
const REMOVAL_BOARDS = 200;
const REMOVAL_ENTRIES = 10;

type Law = 'losses, normal' | 'losses, t with 3 degrees of freedom' | 'right decisions, 70 %' | 'losses, 3 seeds each';

const weights = new Float64Array(ITEMS).fill(1);

/** An entry's outcomes: items are as hard for one entry as for the next, and each entry adds noise of its own. */
function drawEntry(law: Law, { random, hardness, shift = 0 }: Draw): EntryOutcomes {
  const column = (own: number) =>
    hardness.map((hard) => {
      if (law === 'right decisions, 70 %') return random.next() < 0.7 + 0.2 * Math.tanh(hard) + shift ? 1 : 0;
      return hard + own + (law === 'losses, t with 3 degrees of freedom' ? heavyTailed(random) : random.normal());
    });
  if (law !== 'losses, 3 seeds each') return { bySeed: [column(shift)], seeds: 'same artifact' };
  const spread = Math.sqrt(2 / ITEMS);
  return { bySeed: [0, 1, 2].map(() => column(shift + spread * random.normal())), seeds: 'drawn' };
}

interface Draw {
  readonly random: Random;
  readonly hardness: readonly number[];
  readonly shift?: number;
}

function rank(entries: readonly EntryOutcomes[], law: Law): Ranking {
  const share = law === 'right decisions, 70 %';
  const { compare } = createEntryComparison({ entries, weights, share, confidence: 1 - LEVEL });
  return rankIntervals({ count: entries.length, compare, higherIsBetter: share, level: LEVEL });
}

/** Share of boards of equal entries on which any pair is separated. */
function falseSeparations(
  law: Law,
  { entries, boards }: { readonly entries: number; readonly boards: number },
): number {
  const random = createRandom(`ranks ${law} ${entries}`);
  let separated = 0;
  for (let board = 0; board < boards; board++) {
    const hardness = Array.from({ length: ITEMS }, () => random.normal());
    const drawn = Array.from({ length: entries }, () => drawEntry(law, { random, hardness }));
    if (rank(drawn, law).separated.length > 0) separated++;
  }
  return separated / boards;
}

/** Every entry of boards of unequal entries taken away in turn: what becomes of the pairs of the others. */
function removals() {
  const random = createRandom('removals');
  const law: Law = 'losses, normal';
  const count = { pairs: 0, lost: 0, turned: 0, gained: 0 };
  for (let board = 0; board < REMOVAL_BOARDS; board++) {
    const hardness = Array.from({ length: ITEMS }, () => random.normal());
    const entries = Array.from({ length: REMOVAL_ENTRIES }, () =>
      drawEntry(law, { random, hardness, shift: 0.25 * random.normal() }),
    );
    const whole = signs(rank(entries, law), (index) => index);
    for (let removed = 0; removed < REMOVAL_ENTRIES; removed++) {
      const rest = entries.filter((_, index) => index !== removed);
      const after = signs(rank(rest, law), (index) => (index < removed ? index : index + 1));
      for (let first = 0; first < REMOVAL_ENTRIES; first++) {
        for (let second = first + 1; second < REMOVAL_ENTRIES; second++) {
          if (first === removed || second === removed) continue;
          const [was, is] = [whole.get(`${first},${second}`) ?? 0, after.get(`${first},${second}`) ?? 0];
          count.pairs++;
          if (was !== 0 && is === 0) count.lost++;
          if (was * is < 0) count.turned++;
          if (was === 0 && is !== 0) count.gained++;
        }
      }
    }
  }
  return count;
}

/** 1 where the first of a separated pair is better, −1 where the second is. */
function signs({ separated }: Ranking, nameOf: (index: number) => number): Map<string, number> {
  return new Map(
    separated.flatMap(({ better, worse }) => [
      [`${nameOf(better)},${nameOf(worse)}`, 1],
      [`${nameOf(worse)},${nameOf(better)}`, -1],
    ]),
  );
}

const laws: readonly Law[] = [
  'losses, normal',
  'losses, t with 3 degrees of freedom',
  'right decisions, 70 %',
  'losses, 3 seeds each',
];
const counts = [2, 10, 20, 40];
const rows = laws.map((law) => [
  law,
  ...counts.map((entries) =>
    percent(falseSeparations(law, { entries, boards: law === 'losses, 3 seeds each' ? SEEDED_BOARDS : BOARDS })),
  ),
]);
const { pairs, lost, turned, gained } = removals();
writeGenerated(join(import.meta.dirname, '..', 'PROTOCOL.md'), {
  script: 'scripts/simulate-ranks.ts',
  text: [
    `Share of boards of equal methods that separate any two of them at 5 %, ${ITEMS} items, ` +
      `${BOARDS.toLocaleString('en')} boards (${SEEDED_BOARDS} where entries have seeds):`,
    markdownTable(['outcomes', ...counts.map((entries) => `${entries} methods`)], rows),
    `Each entry in turn taken off ${REMOVAL_BOARDS} boards of ${REMOVAL_ENTRIES} unequal methods, ${pairs.toLocaleString('en')} ` +
      'pairs of the others: the difference of a pair, its interval and its p-value are those of the pair alone and do not ' +
      `change. Of their separations ${lost} are lost and ${turned} turned round; ${percent(gained / pairs, 2)} of the pairs ` +
      'are separated that were not, since fewer pairs are corrected together.',
  ].join('\n\n'),
});
