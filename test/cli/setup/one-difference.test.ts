import { PROTOCOL } from '../../../contracts/protocol.ts';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { deriveStore } from '../../../board/derive/derive-store.ts';
import { leaderboard } from '../../../board/derive/leaderboard.ts';
import { rankBoard } from '../../../board/derive/rank-board.ts';
import { compareSeeds } from '../../../cli/commands/compare.ts';
import { renderBoard } from '../../../cli/render/render-board.ts';
import { findEntry } from '../../../cli/setup/find-entry.ts';
import { judgeStudy } from '../../../cli/setup/judge-study.ts';
import { formatSigned } from '../../../contracts/words/figures.ts';
import { type Store, comparisonsOf, derivedBoard, derivedBoards, itemsOf } from '../../../drizzle/queries.ts';
import { qualityDifference } from '../../../site/lib/paired-differences.ts';
import { addEntry, fillBoard } from '../../support/board.ts';
import { EXAMPLE_CONTEST, EXAMPLE_STUDY } from '../../support/example-study.ts';
import { temporaryStore } from '../../support/store.ts';

/** Two methods with three seeds each, which lie apart, and one with a single seed. */
function seededStore(): Store {
  const store = temporaryStore();
  fillBoard(store, EXAMPLE_CONTEST);
  const trained = { access: 'trained' } as const;
  for (const seed of [0, 1, 2]) {
    const [spread, zstdBytes] = [0.02 * seed, 220_000 + seed];
    addEntry(store, EXAMPLE_CONTEST, {
      method: 'tuning',
      variant: 'a',
      seed,
      zstdBytes,
      nats: 0.1 + spread,
      fields: trained,
    });
    addEntry(store, EXAMPLE_CONTEST, {
      method: 'tuning',
      variant: 'b',
      seed,
      zstdBytes,
      nats: 0.3 - spread,
      fields: trained,
    });
  }
  addEntry(store, EXAMPLE_CONTEST, {
    method: 'tuning',
    variant: 'lone',
    seed: 1,
    zstdBytes: 220_001,
    nats: 0.2,
    fields: trained,
  });
  deriveStore(store);
  return store;
}

/** What each place says of the pair. */
function differences(store: Store, [first, second]: readonly [string, string]) {
  const [one, other] = [findEntry(store, EXAMPLE_CONTEST, first), findEntry(store, EXAMPLE_CONTEST, second)];
  const compared = compareSeeds(store, EXAMPLE_CONTEST, [one, other])[0]?.comparison.negativeLogLikelihood;
  const { entries } = leaderboard(store, { ...EXAMPLE_CONTEST, protocol: PROTOCOL.version });
  const ranking = rankBoard(entries, ({ evaluation, artifact }) =>
    itemsOf(store, evaluation?.key ?? '', artifact ?? ''),
  );
  const at = (name: string) => ranking.compared.findIndex(({ method, variant }) => `${method}/${variant}` === name);
  const board = ranking.pairing?.compare(at(first), at(second));
  const [judged] = judgeStudy(store, {
    ...EXAMPLE_STUDY,
    relations: [{ first, second, expected: 'better', reason: 'R' }],
  });
  const [relation] = judged?.judged ?? [];
  const study = typeof relation?.judgement === 'object' ? relation.judgement.estimate : undefined;
  const [summary] = derivedBoards(store);
  const slugs = [first, second].map((name) => name.replace('/', '.')) as [string, string];
  const files = slugs.map((slug) => [slug, comparisonsOf(store, summary?.contest ?? '', slug)] as const);
  const site = qualityDifference(new Map(files), ...slugs);
  return { compared, board, study, site };
}

describe('the difference of two entries', () => {
  it.each([
    ['tuning/a', 'tuning/b', 'the methods'],
    ['tuning/a', 'rounding/w4', 'the methods'],
    ['tuning/lone', 'tuning/b', 'these artifacts'],
    ['tuning/lone', 'dense/fp32', 'these artifacts'],
  ])('of %s and %s is the same by compare, board, study and site', (first, second, about) => {
    const { compared, board, study, site } = differences(seededStore(), [first, second]);
    expect(compared?.about).toBe(about);
    expect(board).toEqual(compared);
    expect(study).toEqual(compared?.difference);
    for (const end of ['value', 'low', 'high'] as const) {
      expect(site?.difference[end]).toBeCloseTo(compared?.difference[end] ?? NaN, 5);
    }
    expect(site?.pValue).toBeCloseTo(compared?.pValue ?? NaN, 5);
    expect(site?.artifactsOnly).toBe(about === 'these artifacts');
  });

  it('from dense stands beside the quality, the same in the terminal and on the site', () => {
    const store = seededStore();
    const [summary] = derivedBoards(store);
    const entries = derivedBoard(store, summary?.id ?? '').entries;
    const text = stripVTControlCharacters(renderBoard(store, { ...EXAMPLE_CONTEST, columns: 240 }));
    for (const name of ['tuning/a', 'tuning/lone']) {
      const { compared } = differences(store, [name, 'dense/fp32']);
      const derived = entries.find(({ id }) => id === name)?.quality?.toDense;
      expect(derived?.difference).toEqual(compared?.difference);
      const { value, low, high } = derived?.shown ?? { value: NaN, low: NaN, high: NaN };
      expect(text).toContain(`${formatSigned(value)} [${formatSigned(low)}, ${formatSigned(high)}]`);
    }
    const badges = (name: string) => entries.find(({ id }) => id === name)?.badges.map(({ id }) => id);
    expect(badges('tuning/lone')).toContain('one-seed');
    expect(badges('tuning/a')).not.toContain('one-seed');
    expect(text).toContain('tuning/lone¹');
    expect(text).toContain('¹ 1 seed: speaks of this artifact');
  });
});
