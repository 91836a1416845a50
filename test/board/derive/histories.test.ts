import { describe, expect, it } from 'vitest';
import type { HistoryRow } from '../../../drizzle/queries.ts';
import type { Items } from '../../../contracts/result.ts';
import { FALSE_DISCOVERY_RATE, histories, qualitySteps } from '../../../board/derive/histories.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { wilsonInterval } from '../../support/wilson-interval.ts';
import { costOf, evaluationOf, itemsOf, sha256Of, timeAt, trialOf } from '../../support/rows.ts';

interface PointFacts {
  readonly variant: string;
  readonly point: number;
  readonly seed?: number;
  /** Mean loss above that of the items. */
  readonly nats?: number;
  readonly artifact?: string;
  readonly zstdBytes?: number;
  readonly speedUp?: number;
  readonly dataset?: string;
  readonly noisy?: boolean;
}

/** A row whose evaluation is under its artifact's name. */
function rowOf(facts: PointFacts): HistoryRow {
  const {
    variant,
    point,
    seed = 0,
    nats = 0,
    zstdBytes = 1000,
    speedUp = 1,
    dataset = 'stories',
    noisy = false,
  } = facts;
  const artifact = sha256Of(facts.artifact ?? `${variant} ${point} ${seed}`);
  const trial = trialOf({ identity: { variant, seed } });
  const { quality, distance } = evaluationOf(trial);
  const value = Math.exp(1 + nats);
  return {
    method: 'rounding',
    variant,
    run: `run-${point}`,
    startedAt: timeAt(point),
    code: `revision ${point}`,
    modelRevision: sha256Of('model'),
    seed,
    status: 'completed',
    artifact,
    zstdBytes,
    cost: { ...costOf('same'), cpuSeconds: 1, deviceSeconds: null },
    evaluation: {
      key: artifact,
      run: `run-${point}`,
      status: 'completed',
      reason: null,
      inSample: false,
      datasetContentHash: sha256Of(dataset),
      quality: { ...quality, estimate: { value, low: value, high: value } },
      distance,
      annotations: [],
    },
    measurement: {
      key: artifact,
      run: `run-${point}`,
      status: 'completed',
      reason: null,
      speedExclusion: null,
      findings: [],
      latency: [
        {
          shape: '1x1',
          batch: 1,
          sequence: 1,
          p50Ms: 1,
          p95Ms: 1,
          denseP50Ms: 1,
          speedUp: { value: speedUp, low: speedUp, high: speedUp },
          coefficientOfVariation: 0.01,
          noisy,
        },
      ],
      residentMemoryBytes: 1,
      denseResidentMemoryBytes: 1,
      annotations: [],
    },
  };
}

const ITEMS = 30;

/** Outcomes on the same items: a loss of its own by artifact, `nats` above the items' on average. */
function outcomes(row: HistoryRow, nats = 0): Items {
  const items = itemsOf('the items', ITEMS);
  const random = createRandom(`outcomes ${row.artifact}`);
  return { ...items, negativeLogLikelihood: items.tokens.map((tokens) => tokens * (1 + nats + 0.1 * random.normal())) };
}

function changesOf(rows: readonly HistoryRow[], natsOf: (row: HistoryRow) => number = () => 0) {
  const steps = qualitySteps(rows, { metric: 'perplexity', itemsOf: (row) => outcomes(row, natsOf(row)) });
  return histories(rows, { board: 'a-board', steps });
}

describe('histories', () => {
  it('has a point per run and state of the code, oldest first, averaged over seeds', () => {
    const rows = [2, 0, 1].flatMap((point) => [0, 1].map((seed) => rowOf({ variant: 'w4', point, seed })));
    const [history] = changesOf(rows);
    expect(history).toMatchObject({ board: 'a-board', entry: 'rounding.w4', id: 'rounding/w4' });
    expect(history?.points.map(({ run, seeds }) => [run, seeds])).toEqual([
      ['run-0', 2],
      ['run-1', 2],
      ['run-2', 2],
    ]);
  });

  it('says which seeds its means are over', () => {
    const scored = rowOf({ variant: 'w4', point: 0, seed: 3 });
    const unscored = { ...rowOf({ variant: 'w4', point: 0, seed: 1 }), evaluation: null };
    const failed = { ...unscored, seed: 2, status: 'failed' as const };
    const [history] = changesOf([scored, failed, unscored]);
    expect(history?.points[0]).toMatchObject({ seeds: 3, completed: 2, completedSeeds: [1, 3], scoredSeeds: [3] });
  });

  it('finds a step in quality where it is, and says which way it went', () => {
    const rows = Array.from({ length: 5 }, (_, point) => rowOf({ variant: 'w4', point, nats: point >= 3 ? 0.3 : 0 }));
    const [history] = changesOf(rows, (row) => (row.run >= 'run-3' ? 0.3 : 0));
    const found = history?.changes.filter(({ figure }) => figure === 'quality');
    expect(found).toHaveLength(1);
    expect(found?.[0]).toMatchObject({ at: 3, better: false, before: Math.exp(1), after: Math.exp(1.3) });
  });

  it('reports a change in at most one of twenty boards on which nothing changes', () => {
    const boards = 160;
    const alarms = Array.from({ length: boards }, (_, board) => {
      const rows = Array.from({ length: 8 }, (_, variant) =>
        Array.from({ length: 4 }, (_, point) =>
          rowOf({ variant: `v${variant}`, point, artifact: `${board} ${variant} ${point}` }),
        ),
      ).flat();
      return changesOf(rows).some(({ changes }) => changes.length > 0);
    }).filter(Boolean).length;
    const observed = wilsonInterval({ successes: alarms, trials: boards, confidence: 0.999 });
    expect(observed.low).toBeLessThanOrEqual(FALSE_DISCOVERY_RATE);
    // Not because the test sees nothing at all.
    expect(observed.high).toBeGreaterThan(FALSE_DISCOVERY_RATE);
  });

  it('reports no change for the same artifact, and does not compare different test data', () => {
    const same = [0, 1, 2].map((point) => rowOf({ variant: 'w4', point, artifact: 'the same' }));
    expect(changesOf(same)[0]?.changes).toEqual([]);
    const moved = [
      rowOf({ variant: 'w4', point: 0 }),
      rowOf({ variant: 'w4', point: 1, nats: 1, dataset: 'other stories' }),
    ];
    expect(changesOf(moved, (row) => (row.run === 'run-1' ? 1 : 0))[0]?.changes).toEqual([]);
  });

  it('compares each seed with itself only', () => {
    const rows = [
      rowOf({ variant: 'w4', point: 0, seed: 0 }),
      rowOf({ variant: 'w4', point: 1, seed: 1, zstdBytes: 9 }),
    ];
    expect(changesOf(rows, (row) => row.seed)[0]?.changes).toEqual([]);
  });

  it('reports different bytes as a change of size', () => {
    const rows = [rowOf({ variant: 'w4', point: 0 }), rowOf({ variant: 'w4', point: 1, zstdBytes: 900 })];
    expect(changesOf(rows)[0]?.changes).toEqual([
      { figure: 'size', at: 1, foundAt: 1, before: 1000, after: 900, pValue: null, qValue: null, better: true },
    ]);
  });

  it('finds a lasting change of speed, ignores single outliers and noisy runs', () => {
    const random = createRandom('speeds');
    const speeds = Array.from({ length: 16 }, (_, i) => (i < 8 ? 1 : 1.5) * (1 + 0.02 * random.normal()));
    const rows = speeds.map((speedUp, point) =>
      rowOf({
        variant: 'w4',
        point: point + 10,
        artifact: 'same',
        speedUp: point === 4 ? 9 : speedUp,
        noisy: point === 4,
      }),
    );
    const changes = changesOf(rows)[0]?.changes ?? [];
    expect(changes.map(({ figure, at, better }) => ({ figure, at, better }))).toEqual([
      { figure: 'speed-up 1x1', at: 8, better: true },
    ]);
    expect(changes[0]?.before).toBeCloseTo(1, 1);
    expect(changes[0]?.after).toBeCloseTo(1.5, 1);
    const odd = Array.from({ length: 16 }, (_, point) =>
      rowOf({ variant: 'w4', point: point + 10, artifact: 'same', speedUp: point === 7 ? 1.5 : 1 + point / 1e6 }),
    );
    expect(changesOf(odd)[0]?.changes.filter(({ at }) => at === 7 || at === 8)).toEqual([]);
  });
});
