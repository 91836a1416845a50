import { describe, expect, it } from 'vitest';
import type { Items, Quality } from '../../../contracts/result.ts';
import { deriveContest } from '../../../board/derive/derive-contest.ts';
import type { BoardTrial, ContestRows, VariantRows } from '../../../drizzle/queries.ts';
import { artifactOf, sha256Of } from '../../support/rows.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';

const ITEMS = 80;
const NAME = { model: 'tiny', task: 'stories-perplexity', protocol: PROTOCOL.version };

/** Outcomes of one seed: dense's losses, plus a constant loss, plus noise of its own per item. */
function outcomes(seed: string, { loss = 0, noise = 0 }: { readonly loss?: number; readonly noise?: number }): Items {
  const [shared, own] = [createRandom('items'), createRandom(seed)];
  const dense = Array.from({ length: ITEMS }, () => 3 + shared.normal() * 0.5);
  const zeros = dense.map(() => 0);
  return {
    ids: dense.map((_, index) => `item-${index}`),
    tokens: dense.map(() => 1),
    negativeLogLikelihood: dense.map((value) => value + loss + noise * own.normal()),
    denseNegativeLogLikelihood: dense,
    klDivergence: zeros,
    sameTop: dense.map(() => 1),
    correct: zeros,
    denseCorrect: zeros,
    correctToIncorrect: zeros,
    incorrectToCorrect: zeros,
  };
}

interface Variant {
  readonly method: string;
  readonly zstdBytes: number;
  readonly trains?: boolean;
  /** One per seed. */
  readonly items: readonly Items[];
}

/** Rows of a contest as literals: no store is opened. */
function contestRows(variants: readonly Variant[]): ContestRows {
  const items = new Map<string, Items>();
  const rows = variants.map(({ method, zstdBytes, trains = false, items: bySeed }): VariantRows => ({
    method,
    variant: 'only',
    family: method === 'dense' ? 'control' : 'quantization',
    access: trains ? 'trained' : 'data-free',
    control: method === 'dense',
    params: {},
    random: trains,
    trials: bySeed.map((outcome, seed) => {
      const artifact = sha256Of(`${method} ${seed}`);
      items.set(artifact, outcome);
      return trialOf({ method, seed, artifact, zstdBytes, items: outcome });
    }),
  }));
  return {
    ...NAME,
    boards: [{ rows: { runner: null, runners: [], variants: rows }, history: [] }],
    chance: null,
    withdrawn: new Map(),
    itemsOf({ artifact }) {
      const found = items.get(artifact ?? '');
      if (!found) throw new Error(`no items of ${artifact}`);
      return found;
    },
  };
}

function trialOf(parts: {
  readonly method: string;
  readonly seed: number;
  readonly artifact: string;
  readonly zstdBytes: number;
  readonly items: Items;
}): BoardTrial {
  const { method, seed, artifact, zstdBytes, items } = parts;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const value = Math.exp(mean(items.negativeLogLikelihood));
  const quality: Quality = {
    metric: 'perplexity',
    higherIsBetter: false,
    estimate: { value, low: value * 0.97, high: value * 1.03 },
    dense: Math.exp(mean(items.denseNegativeLogLikelihood)),
    items: ITEMS,
    tokens: ITEMS,
  };
  return {
    key: sha256Of(`${method} ${seed} key`),
    run: 'run-1',
    seed,
    status: 'completed',
    reason: null,
    startedAt: '2026-01-01T00:00:00.000Z',
    stale: false,
    notes: [],
    simulated: null,
    artifact,
    size: artifactOf(artifact, { zstdBytes }).size,
    cost: null,
    evaluation: {
      key: sha256Of(`${method} ${seed} evaluation`),
      run: 'run-1',
      status: 'completed',
      reason: null,
      inSample: false,
      datasetContentHash: sha256Of('data'),
      quality,
      distance: null,
      annotations: [],
    },
    measurement: null,
    annotations: [],
  };
}

const dense = { method: 'dense', zstdBytes: 800_000, items: [outcomes('dense', {})] };
const rounding = { method: 'rounding', zstdBytes: 190_000, items: [outcomes('rounding', { loss: 0.2, noise: 0.1 })] };
const tuning = {
  method: 'tuning',
  zstdBytes: 190_000,
  trains: true,
  items: [0, 1, 2].map((seed) => outcomes(`tuning ${seed}`, { loss: 0.1, noise: 0.1 })),
};

describe('deriveContest', () => {
  it('derives boards, verdicts and pairs from rows alone', () => {
    const { contest, boards, comparisons } = deriveContest(contestRows([dense, rounding, tuning]));
    expect(contest).toBe('tiny.stories-perplexity.p2');
    const board = boards[0]?.board;
    expect(board?.entries.map(({ slug }) => slug)).toEqual(['dense.only', 'rounding.only', 'tuning.only']);
    const headline = board?.headline.find(({ weightClass }) => weightClass === 4);
    expect(headline).toMatchObject({ lowCost: 'rounding.only', highCost: 'tuning.only', verdict: 'high-cost better' });
    expect([...comparisons].map(({ first, others }) => [first, others])).toEqual([
      ['dense.only', ['rounding.only', 'tuning.only']],
      ['rounding.only', ['tuning.only']],
      ['tuning.only', []],
    ]);
  });

  it('gives the same from the same rows', () => {
    const derived = () => {
      const { comparisons, ...rest } = deriveContest(contestRows([dense, rounding, tuning]));
      return { ...rest, comparisons: [...comparisons] };
    };
    expect(derived()).toEqual(derived());
  });

  it('marks an entry whose interval depends on a few items', () => {
    const [even] = rounding.items;
    if (!even) throw new Error('rounding has a seed');
    const uneven = {
      ...even,
      negativeLogLikelihood: even.negativeLogLikelihood.map((loss, i) => (i === 7 ? 90 : loss)),
    };
    const { boards } = deriveContest(
      contestRows([dense, rounding, { ...rounding, method: 'breaking', items: [uneven] }]),
    );
    const marked = boards[0]?.board.entries.filter(({ badges }) => badges.some(({ id }) => id === 'narrow-interval'));
    expect(marked?.map(({ slug }) => slug)).toEqual(['breaking.only']);
  });

  it('has no verdict, rank or pair where nothing is scored', () => {
    const rows = contestRows([]);
    const { boards, comparisons } = deriveContest(rows);
    expect(boards[0]?.board).toMatchObject({ metric: null, entries: [] });
    expect([...comparisons]).toEqual([]);
  });
});
