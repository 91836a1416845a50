import { PROTOCOL } from '../../../contracts/protocol.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import { recordCatalog } from '../../../drizzle/catalog.ts';
import { recordCorrection } from '../../../drizzle/correction.ts';
import {
  type DerivedBoard,
  type DerivedEntry,
  type Store,
  comparedEntries,
  comparisonsOf,
  derivedBoard,
  derivedBoards,
  derivedHistories,
  entriesOfMethod,
  itemsOf,
  openStore,
} from '../../../drizzle/queries.ts';
import { type BoardEntry, leaderboard } from '../../../board/derive/leaderboard.ts';
import { recordEvaluation, recordMeasurement, recordRun, recordTrial } from '../../../drizzle/record.ts';
import { boardSchema, boardSummarySchema, comparisonsSchema, historySchema } from '../../../contracts/derived.ts';
import type { Items } from '../../../contracts/result.ts';
import { DERIVATION_REVISION } from '../../../board/derive/derivation-revision.ts';
import { deriveStore } from '../../../board/derive/derive-store.ts';
import { createEntryComparison } from '../../../numerics/statistics/compare-entries.ts';
import { holm } from '../../../numerics/statistics/significance.ts';
import { addEntry, fillBoard } from '../../support/board.ts';
import { catalogOf, methodEntryOf } from '../../support/catalog.ts';
import { fillLargeStore } from '../../support/large-store.ts';
import {
  evaluationOf,
  machineOf,
  measurementOf,
  runOf,
  deviceFiguresOf,
  deviceOf,
  runnerOf,
  timeAt,
  trialOf,
} from '../../support/rows.ts';
import { temporaryFolder, temporaryStore } from '../../support/store.ts';

const SIZE = { models: 2, tasks: 2, methods: 9, variantsPerMethod: 2, seeds: 2, generations: 2, items: 24 };
const SMALL = { ...SIZE, methods: 3, variantsPerMethod: 1, seeds: 1 };
/** Of a machine that has other things to do; a tenth of it on one that has not. */
const PATIENCE_MS = 120_000;

function filledStore(): Store {
  const store = temporaryStore();
  fillLargeStore(store, SMALL);
  return store;
}

type Column = 'negativeLogLikelihood' | 'correct' | 'klDivergence';

/** First minus second over items and seeds, from the rows themselves; a lone seed against the same seed of the other. */
function differenceOf(store: Store, [first, second]: readonly [BoardEntry, BoardEntry], column: Column) {
  const scored = ({ trials }: BoardEntry) => trials.filter(({ evaluation }) => evaluation?.quality);
  const beside = (own: BoardEntry, other: BoardEntry) => {
    const [only, ...more] = scored(other);
    const lone = other.method !== 'dense' && more.length === 0;
    return scored(own).filter(({ seed }) => own.method === 'dense' || !lone || seed === only?.seed);
  };
  const sideOf = (trials: BoardEntry['trials']) => {
    const bySeed = trials.map(({ evaluation }) => itemsOf(store, evaluation?.key ?? '')[column]);
    return bySeed.length === 1 ? { bySeed, seeds: 'same artifact' as const } : { bySeed, seeds: 'drawn' as const };
  };
  return createEntryComparison({
    entries: [sideOf(beside(first, second)), sideOf(beside(second, first))],
    weights: itemsOf(store, scored(first)[0]?.evaluation?.key ?? '').tokens,
    share: column === 'correct',
    confidence: 0.95,
  }).compare(0, 1);
}

const columnOf = ({ metric }: Pick<DerivedBoard, 'metric'>): Column =>
  metric === 'perplexity' ? 'negativeLogLikelihood' : 'correct';

function boardsBySlug(board: DerivedBoard): ReadonlyMap<string, DerivedEntry> {
  return new Map(board.entries.map((entry) => [entry.slug, entry]));
}

it('lists first the board with most rows of both cost classes, not the one with most variants', () => {
  const store = temporaryStore();
  const trained = { access: 'trained' } as const;
  for (const model of ['many-looks', 'some-training']) fillBoard(store, { model, task: 'text' });
  for (const variant of ['a', 'b', 'c', 'd'])
    addEntry(store, { model: 'many-looks', task: 'text' }, { method: 'rounding', variant });
  addEntry(store, { model: 'some-training', task: 'text' }, { method: 'training', variant: 'w3', fields: trained });
  deriveStore(store);
  expect(derivedBoards(store).map(({ model }) => model)).toEqual(['some-training', 'many-looks']);
});

describe('deriveStore', () => {
  describe('compared with independent computations', () => {
    let store: Store;
    let boards: readonly DerivedBoard[];
    beforeAll(() => {
      const folder = mkdtempSync(join(tmpdir(), 'shrinkrank-'));
      store = openStore(join(folder, 'store.sqlite'));
      fillLargeStore(store, SIZE);
      deriveStore(store);
      boards = derivedBoards(store).map(({ id }) => derivedBoard(store, id));
      return () => {
        store.close();
        rmSync(folder, { recursive: true });
      };
    }, PATIENCE_MS);

    it('has a board per model and task, each as its schema says', () => {
      expect(boards.map(({ model, task }) => `${model} ${task}`).sort()).toEqual(
        ['model-0 task-0', 'model-0 task-1', 'model-1 task-0', 'model-1 task-1'].sort(),
      );
      for (const board of boards) {
        v.parse(boardSchema, board);
        expect(new Set(board.entries.map(({ slug }) => slug)).size).toBe(board.entries.length);
        expect(board.entries).toHaveLength(1 + SIZE.methods * SIZE.variantsPerMethod);
      }
      for (const summary of derivedBoards(store)) v.parse(boardSummarySchema, summary);
    });

    it('ranks by the pairs that Holm leaves significant within the weight class', () => {
      for (const board of boards) {
        const { model, task, protocol, higherIsBetter } = board;
        const { entries } = leaderboard(store, { model, task, protocol });
        const derived = new Map(board.entries.map((entry) => [entry.id, entry]));
        const compressed = entries.filter(({ method, quality }) => method !== 'dense' && quality);
        for (const members of Map.groupBy(compressed, ({ weightClass }) => weightClass).values()) {
          const pairs = members.flatMap((first, i) =>
            members.slice(i + 1).map((second) => {
              const { difference, pValue } = differenceOf(store, [first, second], columnOf(board));
              const firstIsBetter = difference.value > 0 === higherIsBetter;
              return { better: firstIsBetter ? first : second, worse: firstIsBetter ? second : first, pValue };
            }),
          );
          const adjusted = holm(pairs.map(({ pValue }) => pValue));
          const told = pairs.filter((_, i) => (adjusted[i] ?? 1) <= 0.05);
          for (const entry of members) {
            expect(derived.get(`${entry.method}/${entry.variant}`)?.rank).toEqual({
              best: 1 + told.filter(({ worse }) => worse === entry).length,
              worst: members.length - told.filter(({ better }) => better === entry).length,
              of: members.length,
            });
          }
        }
        const sign = higherIsBetter ? -1 : 1;
        const values = board.entries
          .filter(({ place }) => place !== null)
          .sort((a, b) => (a.place ?? 0) - (b.place ?? 0))
          .map(({ quality }) => sign * (quality?.estimate.value ?? NaN));
        expect(values).toEqual(values.toSorted((a, b) => a - b));
        expect(derived.get('dense/fp32')).toMatchObject({ rank: null, place: null });
      }
    });

    it('finds the same fronts as pairwise comparison of all entries', () => {
      for (const board of boards) {
        const bySlug = boardsBySlug(board);
        const axes = {
          'zstd bytes': (entry: DerivedEntry) => entry.size?.zstdBytes ?? null,
          'speed-up': (entry: DerivedEntry, shape: string | null) => {
            const timed = entry.latency.find((latency) => latency.shape === shape);
            return timed && !timed.noisy ? -timed.speedUp.value : null;
          },
          'compute seconds': (entry: DerivedEntry) => entry.cost?.cpuSeconds ?? null,
          'wall seconds': (entry: DerivedEntry) => entry.cost?.wallSeconds ?? null,
        };
        expect(board.fronts).toHaveLength(2 * 4);
        for (const front of board.fronts) {
          const points = board.entries.flatMap((entry) => {
            const price = axes[front.unit](entry, front.shape);
            const value = entry.quality?.estimate.value;
            if (entry.control || entry.costClass !== front.costClass || price === null || value === undefined)
              return [];
            return [{ slug: entry.slug, price, loss: board.higherIsBetter ? -value : value }];
          });
          const beaten = (a: (typeof points)[number]) =>
            points.some((b) => b.loss <= a.loss && b.price <= a.price && (b.loss < a.loss || b.price < a.price));
          const expected = points.filter((point) => !beaten(point)).map(({ slug }) => slug);
          expect(front.entries.toSorted()).toEqual(expected.sort());
          expect(front.entries.every((slug) => bySlug.has(slug))).toBe(true);
        }
      }
    });

    it('compares cost classes over items and seeds, where the winner has no more bytes', () => {
      let won = 0;
      for (const board of boards) {
        const { model, task, protocol, metric } = board;
        const { entries } = leaderboard(store, { model, task, protocol });
        const named = (slug: string | null) =>
          entries.find(({ method, variant }) => `${method}.${variant}` === slug) as BoardEntry;
        for (const headline of board.headline) {
          if (!headline.comparison) continue;
          const [high, low] = [named(headline.highCost), named(headline.lowCost)];
          const alone = differenceOf(store, [high, low], columnOf(board));
          expect(headline.comparison.pValue).toBe(alone.pValue);
          for (const end of ['value', 'low', 'high'] as const) {
            expect(headline.comparison.difference[end]).toBeCloseTo(alone.difference[end], 10);
            const shown =
              metric === 'perplexity' ? (Math.exp(alone.difference[end]) - 1) * 100 : alone.difference[end] * 100;
            expect(headline.comparison.shown[end]).toBeCloseTo(shown, 7);
          }
          const [highBytes, lowBytes] = [high.size?.zstdBytes ?? NaN, low.size?.zstdBytes ?? NaN];
          if (headline.verdict === 'high-cost better') expect(highBytes).toBeLessThanOrEqual(lowBytes * 1.05);
          if (headline.verdict === 'low-cost better') expect(lowBytes).toBeLessThanOrEqual(highBytes * 1.05);
          if (headline.verdict.endsWith('-cost better')) won += 1;
        }
      }
      expect(won).toBeGreaterThan(0);
    });

    it('compares every pair once, over items and seeds', () => {
      const [board] = boards as [DerivedBoard];
      const { model, task, protocol } = board;
      const { entries } = leaderboard(store, { model, task, protocol });
      const slugs = comparedEntries(store, board.contest);
      expect(slugs).toEqual(board.entries.filter(({ quality }) => quality).map(({ slug }) => slug));
      const documents = slugs.map((slug) => comparisonsOf(store, board.contest, slug));
      for (const [i, document] of documents.entries()) {
        v.parse(comparisonsSchema, document);
        expect(document.others).toEqual(slugs.slice(i + 1));
      }
      const named = (slug: string | undefined) =>
        entries.find(({ method, variant }) => `${method}.${variant}` === slug) as BoardEntry;
      for (const [i, j] of [
        [0, 1],
        [0, 7],
        [3, 9],
        [10, 11],
      ] as const) {
        const document = documents[i] as (typeof documents)[number];
        const at = j - i - 1;
        for (const [columns, column] of [
          [document.quality, columnOf(board)],
          [document.klDivergence, 'klDivergence'],
        ] as const) {
          const expected = differenceOf(store, [named(slugs[i]), named(slugs[j])], column);
          expect(columns.value[at]).toBeCloseTo(expected.difference.value, 5);
          expect(columns.low[at]).toBeCloseTo(expected.difference.low, 5);
          expect(columns.high[at]).toBeCloseTo(expected.difference.high, 5);
          expect(columns.pValue[at]).toBeCloseTo(expected.pValue, 5);
        }
      }
    });

    it('computes distance to dense by slice from the items of the slice', () => {
      const board = boards.find(({ metric }) => metric === 'choice-accuracy') as DerivedBoard;
      const { model, task, protocol } = board;
      const { entries } = leaderboard(store, { model, task, protocol });
      const dense = entries.find(({ method }) => method === 'dense')?.trials[0]?.evaluation?.key;
      const denseItems = itemsOf(store, dense ?? '');
      for (const entry of board.entries.slice(1, 6)) {
        const quality = entry.quality as NonNullable<DerivedEntry['quality']>;
        const raw = entries.find(({ method, variant }) => `${method}/${variant}` === entry.id) as BoardEntry;
        const seeds = raw.trials.flatMap(({ evaluation }) => (evaluation ? [itemsOf(store, evaluation.key)] : []));
        const [items] = seeds as [Items, ...Items[]];
        const meanCorrect = (i: number) => sumOf(seeds.map(({ correct }) => correct[i] as number)) / seeds.length;
        expect(quality.slices.map(({ slice }) => slice)).toEqual(['common', 'rare']);
        for (const { slice, toDense, items: count } of quality.slices) {
          const own = items.ids.map((_, i) => i).filter((i) => items.slices?.[i] === slice);
          expect(count).toBe(own.length);
          const lost = sumOf(own.map((i) => meanCorrect(i) - (denseItems.correct[i] as number)));
          expect(toDense.difference.value).toBeCloseTo(lost / own.length, 12);
        }
        const lossOf = (slice: string | null) =>
          quality.slices.find((each) => each.slice === slice)?.toDense.difference.value ?? 0;
        expect(lossOf(quality.worstSlice)).toBe(Math.min(0, ...quality.slices.map((each) => lossOf(each.slice))));
      }
    });

    it('keeps a history per entry, one point per generation, without random noise', () => {
      for (const board of boards) {
        const histories = derivedHistories(store, board.id);
        expect(histories).toHaveLength(board.entries.length);
        for (const history of histories) {
          v.parse(historySchema, history);
          expect(history.points.map(({ run }) => run)).toEqual(['generation-0', 'generation-1']);
        }
        // Every generation draws the same qualities with noise by item of its own: alarms are false ones.
        const alarms = histories.flatMap(({ changes }) => changes.filter(({ figure }) => figure === 'quality'));
        expect(alarms.length).toBeLessThanOrEqual(2);
      }
    });

    it('finds a method on every board', () => {
      const found = entriesOfMethod(store, 'quantization-0');
      expect(found.map(({ board }) => board.id)).toEqual(derivedBoards(store).map(({ id }) => id));
      expect(found.every(({ entries }) => entries.length === SIZE.variantsPerMethod)).toBe(true);
    });
  });

  describe('marks', () => {
    const place = { model: 'tiny', task: 'stories-perplexity' };

    it('facts a reader must know, and excludes controls and simulated entries from the headline', () => {
      const store = temporaryStore();
      fillBoard(store, place);
      addEntry(store, place, {
        method: 'guessing',
        variant: 'best',
        zstdBytes: 410_000,
        nats: -1,
        fields: { control: true },
      });
      addEntry(store, place, {
        method: 'dreaming',
        variant: 'best',
        zstdBytes: 210_000,
        nats: -1,
        fields: { access: 'trained', simulated: 'not packed' },
      });
      deriveStore(store);
      const [summary] = derivedBoards(store);
      const board = derivedBoard(store, summary?.id ?? '');
      v.parse(boardSchema, board);
      const badgesOf = (id: string) =>
        board.entries.find((entry) => entry.id === id)?.badges.map((badge) => badge.id) ?? [];
      expect(badgesOf('dense/fp32')).toContain('control');
      expect(badgesOf('rounding/w4')).toContain('noisy');
      expect(badgesOf('dreaming/w1')).toContain('simulated');
      expect(badgesOf('cutting/s50')).toContain('stale');
      expect(badgesOf('cutting/s90')).toEqual(['timeout']);
      expect(badgesOf('cutting/s99')).toEqual(['failed']);
      expect(badgesOf('rounding/w8')).toEqual(['in-sample']);
      expect(board.failureCount).toBe(3);
      const headlines = new Map(board.headline.map((headline) => [headline.weightClass, headline]));
      expect(headlines.get(2)).toMatchObject({ lowCost: 'rounding.w8', highCost: null, verdict: 'only low-cost' });
      expect(headlines.get(4)).toMatchObject({
        lowCost: 'rounding.w4',
        highCost: 'training.w4',
        verdict: 'high-cost better',
      });
      expect(headlines.get(16)).toMatchObject({ lowCost: null, highCost: null, verdict: 'empty' });
      const onFronts = board.fronts.flatMap(({ entries }) => entries);
      for (const slug of ['guessing.best', 'dreaming.best', 'dense.fp32']) expect(onFronts).not.toContain(slug);
      expect(board.entries.find(({ slug }) => slug === 'dreaming.best')).toMatchObject({
        efficiency: null,
        paysBack: [],
      });
    });

    it('withdrawn and annotated rows with their reasons', () => {
      const store = temporaryStore();
      fillBoard(store, place);
      const older = addEntry(store, place, { method: 'rounding', variant: 'w3', seed: 0, zstdBytes: 150_000 });
      addEntry(store, place, { method: 'rounding', variant: 'w3', seed: 1, zstdBytes: 150_000 });
      const kind = 'correction' as const;
      recordCorrection(store, {
        kind,
        key: older.key,
        run: 'run-1',
        action: 'withdraw',
        reason: 'wrong',
        date: '2026-02-01',
      });
      const other = trialOf({ identity: { method: 'rounding', variant: 'w8', model: 'tiny', seed: 0 } });
      recordCorrection(store, {
        kind,
        key: other.key,
        run: 'run-1',
        action: 'annotate',
        reason: 'look',
        date: '2026-02-02',
      });
      deriveStore(store);
      const board = derivedBoard(store, derivedBoards(store)[0]?.id ?? '');
      const withdrawn = board.entries.find(({ id }) => id === 'rounding/w3');
      expect(withdrawn?.seeds.map(({ seed }) => seed)).toEqual([1]);
      expect(withdrawn?.badges).toContainEqual({ id: 'withdrawn', reason: 'Earlier rows were withdrawn: wrong' });
      const annotated = board.entries.find(({ id }) => id === 'rounding/w8');
      expect(annotated?.badges).toContainEqual({ id: 'annotated', reason: 'look' });
    });

    it('an entry scored on other items as unranked, and ranks the rest', () => {
      const store = temporaryStore();
      fillBoard(store, place);
      const trial = trialOf({ identity: { method: 'rounding', variant: 'older-data', model: 'tiny' } });
      recordTrial(store, trial);
      recordEvaluation(store, evaluationOf(trial, { task: place.task, itemCount: 5 }));
      deriveStore(store);
      const board = derivedBoard(store, derivedBoards(store)[0]?.id ?? '');
      const entry = board.entries.find(({ variant }) => variant === 'older-data');
      expect(entry).toMatchObject({ rank: null, place: null });
      expect(entry?.badges.map(({ id }) => id)).toContain('unranked');
      expect(board.entries.filter(({ rank }) => rank !== null).length).toBe(6);
      expect(comparedEntries(store, board.contest)).not.toContain('rounding.older-data');
    });

    it('one board per runner, with common qualities and separate speeds', () => {
      const store = temporaryStore();
      fillBoard(store, place);
      const trial = addEntry(store, place, { method: 'rounding', variant: 'w3', zstdBytes: 150_000 });
      const runner = runnerOf({ provider: 'cuda', device: deviceOf() });
      recordMeasurement(store, measurementOf(trial, { runner }));
      deriveStore(store);
      const boards = derivedBoards(store).map(({ id }) => derivedBoard(store, id));
      expect(boards.map((board) => board.runner?.provider)).toEqual(['cpu', 'cuda']);
      expect(new Set(boards.map(({ contest }) => contest)).size).toBe(1);
      const [cpu, cuda] = boards.map((board) =>
        board.entries.map(({ quality, rank, place }) => ({ quality, rank, place })),
      );
      expect(cuda).toEqual(cpu);
      expect(boards[1]?.timedCount).toBe(1);
      expect(boards[1]?.entries.find(({ id }) => id === 'rounding/w4')?.badges.map(({ id }) => id)).toContain(
        'untimed',
      );
    });

    it('speeds of a software device as excluded, and shows remarks about a device', () => {
      const store = temporaryStore();
      fillBoard(store, place);
      const trial = addEntry(store, place, { method: 'rounding', variant: 'w3', zstdBytes: 150_000 });
      const device = deviceOf({ kind: 'software', name: 'SwiftShader' });
      const runner = runnerOf({ provider: 'webgpu', device });
      const onDevice = deviceFiguresOf({ findings: ['scores otherwise there'] });
      recordMeasurement(store, measurementOf(trial, { runner, onDevice }));
      deriveStore(store);
      const board = derivedBoards(store)
        .map(({ id }) => derivedBoard(store, id))
        .find((one) => one.runner?.provider === 'webgpu');
      expect(board).toMatchObject({ timedCount: 0, shapes: [], runner: { device } });
      expect(board?.fronts.filter(({ axis }) => axis === 'latency')).toEqual([]);
      const badges = board?.entries.find(({ id }) => id === 'rounding/w3')?.badges ?? [];
      expect(badges).toContainEqual({ id: 'device-finding', reason: 'scores otherwise there' });
      expect(badges.find(({ id }) => id === 'speed-unranked')?.reason).toContain('timed on SwiftShader');
    });
  });

  describe('on changing runners', () => {
    const place = { model: 'tiny', task: 'stories-perplexity' };

    it('has no board for a runner that timed older rows only, but keeps its history', () => {
      const store = temporaryStore();
      fillBoard(store, place);
      for (const cpuModel of ['old machine', 'older machine']) {
        const older = trialOf({
          identity: { method: 'rounding', variant: 'w4', revision: cpuModel === 'old machine' ? 3 : 4, model: 'tiny' },
          startedAt: timeAt(-10),
        });
        recordTrial(store, older);
        recordMeasurement(store, measurementOf(older, { runner: runnerOf({ machine: machineOf({ cpuModel }) }) }));
      }
      expect(deriveStore(store).computed).toHaveLength(1);
      expect(deriveStore(store).computed).toEqual([]);
      const boards = derivedBoards(store);
      expect(boards.map(({ runner }) => runner?.machine.cpuModel)).toEqual([machineOf().cpuModel]);
      const history = derivedHistories(store, boards[0]?.id ?? '').find(({ entry }) => entry === 'rounding.w4');
      expect(history?.points).toHaveLength(3);
    });

    it('has one board without speeds where nothing was timed', () => {
      const store = temporaryStore();
      recordRun(store, runOf());
      const trial = trialOf({ identity: { method: 'dense', variant: 'fp32', model: 'tiny' } });
      recordTrial(store, trial);
      recordEvaluation(store, evaluationOf(trial, { task: place.task }));
      deriveStore(store);
      expect(derivedBoards(store)).toMatchObject([
        { id: 'tiny.stories-perplexity.p2.untimed', runner: null, timedCount: 0 },
      ]);
    });
  });

  describe('is brought up to date', () => {
    it(
      'computes only what has changed, and comes to what computing all comes to',
      () => {
        const store = filledStore();
        expect(deriveStore(store).computed).toHaveLength(4);
        expect(deriveStore(store)).toMatchObject({ computed: [], removed: [] });

        const trial = trialOf({
          run: 'generation-1',
          identity: { method: 'pruning-1', variant: 'more', model: 'model-1' },
        });
        recordTrial(store, trial);
        // A trial alone stands on both boards of its model, as not scored yet.
        expect(deriveStore(store).computed).toEqual(['model-1.task-0.p2', 'model-1.task-1.p2']);
        recordEvaluation(store, evaluationOf(trial, { task: 'task-1', itemCount: SMALL.items }));
        expect(deriveStore(store).computed).toEqual(['model-1.task-1.p2']);
        recordMeasurement(store, measurementOf(trial));
        expect(deriveStore(store).computed).toEqual(['model-1.task-0.p2', 'model-1.task-1.p2']);
        expectAsFromNothing(store);

        const [entry] = leaderboard(store, {
          model: 'model-0',
          task: 'task-0',
          protocol: PROTOCOL.version,
        }).entries.slice(3) as [BoardEntry];
        const key = entry.trials[0]?.evaluation?.key ?? '';
        recordCorrection(store, {
          kind: 'correction',
          key,
          run: 'generation-1',
          action: 'withdraw',
          reason: 'wrong items',
          date: '2026-03-01',
        });
        expect(deriveStore(store).computed).toContain('model-0.task-0.p2');
        expectAsFromNothing(store);

        const methods = ['dense', 'quantization-0'].map((id) => methodEntryOf(id, { revision: 3 }));
        recordCatalog(store, catalogOf({ methods }));
        expect(deriveStore(store).computed).toHaveLength(4);
        expectAsFromNothing(store);
        expect(deriveStore(store, { revision: DERIVATION_REVISION + 1 }).computed).toHaveLength(4);
      },
      PATIENCE_MS,
    );

    it('continues after an interruption', () => {
      const store = filledStore();
      deriveStore(store);
      const whole = rollupsOf(store);
      store.database.$client.exec(`
        delete from rollup_state;
        delete from rollup_histories where board like 'model-1.task-1%';
        delete from rollup_entries where board like 'model-1.task-1%';
        delete from rollup_comparisons where contest = 'model-1.task-1.p2';
        delete from rollup_boards where contest = 'model-1.task-1.p2';
      `);
      expect(deriveStore(store).computed).toEqual(['model-1.task-1.p2']);
      expect(rollupsOf(store)).toEqual(whole);
    });

    it('compares only the first entries by rank, and dense, on a board with too many entries', () => {
      const store = filledStore();
      deriveStore(store, { comparedLimit: 2 });
      for (const { id } of derivedBoards(store)) {
        const { entries, contest, notCompared } = derivedBoard(store, id);
        const first = entries.filter(({ method, place }) => method === 'dense' || (place ?? 9) <= 2);
        expect(comparedEntries(store, contest)).toEqual(first.map(({ slug }) => slug));
        expect(notCompared).toBe(entries.filter(({ quality }) => quality).length - 3);
      }
    });

    it('gives no boards for an empty store', () => {
      const store = temporaryStore();
      expect(deriveStore(store)).toEqual({ computed: [], kept: [], removed: [] });
      expect(derivedBoards(store)).toEqual([]);
    });
  });
});

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

const ROLLUPS = ['rollup_boards', 'rollup_entries', 'rollup_comparisons', 'rollup_histories'];

function rollupsOf({ database }: Store): unknown {
  return ROLLUPS.map((table) => database.$client.prepare(`select * from ${table} order by 1, 2, 3`).all());
}

function expectAsFromNothing(store: Store): void {
  const path = join(temporaryFolder(), 'copy.sqlite');
  store.database.$client.prepare('vacuum into ?').run(path);
  const copy = openStore(path);
  try {
    for (const table of [...ROLLUPS.toReversed(), 'rollup_state']) copy.database.$client.exec(`delete from ${table}`);
    deriveStore(copy);
    expect(rollupsOf(store)).toEqual(rollupsOf(copy));
  } finally {
    copy.close();
  }
}
