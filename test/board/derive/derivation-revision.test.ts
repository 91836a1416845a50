/**
 * Derived figures of a fixed store, as one digest. `npm run update-digests -- derived-figures` writes derived-figures.json
 * anew; it refuses where the same rows give other figures under the same DERIVATION_REVISION.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DERIVATION_REVISION } from '../../../board/derive/derivation-revision.ts';
import { deriveStore } from '../../../board/derive/derive-store.ts';
import { digestOf } from '../../../contracts/canonical-json.ts';
import { readCatalog } from '../../../drizzle/catalog.ts';
import { exportRows } from '../../../drizzle/export.ts';
import {
  type Store,
  comparedEntries,
  comparisonsOf,
  derivedBoard,
  derivedBoards,
  derivedHistories,
} from '../../../drizzle/queries.ts';
import { fillBoard } from '../../support/board.ts';
import { fillLargeStore } from '../../support/large-store.ts';
import { temporaryStore } from '../../support/store.ts';

const FILE = join(import.meta.dirname, 'derived-figures.json');
const UPDATE = 'npm run update-digests -- derived-figures';

interface Digests {
  readonly revision: number;
  /** Of the rows and the catalog the figures are derived from. */
  readonly rows: string;
  readonly figures: string;
}

/** Two runs of two revisions of three methods, and a board with something of everything. */
function fixedStores(): readonly Store[] {
  const [history, board] = [temporaryStore(), temporaryStore()];
  fillLargeStore(history, {
    models: 1,
    tasks: 2,
    methods: 3,
    variantsPerMethod: 1,
    seeds: 2,
    generations: 2,
    items: 24,
  });
  fillBoard(board, { model: 'tiny', task: 'stories-perplexity' });
  return [history, board];
}

function figuresOf(store: Store): object {
  return derivedBoards(store).map(({ id }) => {
    const board = derivedBoard(store, id);
    const entries = comparedEntries(store, board.contest);
    return {
      board,
      histories: derivedHistories(store, id),
      comparisons: entries.map((slug) => comparisonsOf(store, board.contest, slug)),
    };
  });
}

function digestsOf(stores: readonly Store[]): Digests {
  const rows = digestOf(stores.map((store) => [...exportRows(store), readCatalog(store)]));
  for (const store of stores) deriveStore(store);
  return { revision: DERIVATION_REVISION, rows, figures: digestOf(stores.map(figuresOf)) };
}

/** What has to be done; undefined where nothing has. */
function difference(committed: Digests, found: Digests): string | undefined {
  if (found.rows === committed.rows && found.revision === committed.revision && found.figures !== committed.figures) {
    return (
      `board/derive: the same rows give other figures under DERIVATION_REVISION ${found.revision}. If that was not ` +
      `meant, correct the change. If it was, raise DERIVATION_REVISION in board/derive/derivation-revision.ts to ` +
      `${found.revision + 1}, so that stores derive their figures anew, and run: ${UPDATE}`
    );
  }
  if (digestOf(found) === digestOf(committed)) return undefined;
  const moved = found.rows === committed.rows ? 'DERIVATION_REVISION' : 'the rows of this test';
  return `${FILE} is out of date, since ${moved} changed; run: ${UPDATE}`;
}

describe('DERIVATION_REVISION', () => {
  const committed = JSON.parse(readFileSync(FILE, 'utf8')) as Digests;

  it('must be raised whenever the same rows give other figures', () => {
    const found = digestsOf(fixedStores());
    const problem = difference(committed, found);
    if (process.env['UPDATE_DIGESTS'] === '1' && !problem?.startsWith('board/derive')) {
      writeFileSync(FILE, `${JSON.stringify(found, null, 2)}\n`);
      return;
    }
    if (problem !== undefined) expect.fail(problem);
  });

  it('has a digest that depends on the figures of the store', () => {
    const [history, board] = fixedStores();
    expect(history && digestsOf([history]).figures).not.toBe(board && digestsOf([board]).figures);
  });

  it.each([
    ['other figures', { figures: 'other' }, /the same rows give other figures.*raise DERIVATION_REVISION.*to 2/],
    ['other rows', { rows: 'other', figures: 'other' }, /rows of this test changed; run: npm run update-digests/],
    [
      'a raised revision',
      { revision: 2, figures: 'other' },
      /DERIVATION_REVISION changed; run: npm run update-digests/,
    ],
  ])('says what to do about %s', (_, change, message) => {
    const found = { revision: 1, rows: 'rows', figures: 'figures' };
    expect(difference(found, { ...found, ...change })).toMatch(message);
  });
});
