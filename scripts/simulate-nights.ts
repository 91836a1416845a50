/**
 * What the nights' own functions find in simulated nights: slowdowns, false reports where nothing changed, good nights rejected.
 * Writes the tables of PROTOCOL.md: `node scripts/simulate-nights.ts`, some minutes on one core.
 */
import { join } from 'node:path';
import { controlFindings } from '../board/derive/control-band.ts';
import { histories } from '../board/derive/histories.ts';
import { markdownTable } from '../cli/render/markdown-table.ts';
import type { History } from '../contracts/derived.ts';
import type { DenseLatency, HistoryRow } from '../drizzle/queries.ts';
import { type Random, createRandom } from '../numerics/tensor/random.ts';
import { writeGenerated } from './generated-section.ts';
import { percent } from './simulation.ts';

const SHAPE = '1x1';
/** Standard deviation of a night's logarithm. */
const NOISE = 0.03;
const ENTRIES = 10;
const NIGHTS_BEFORE = 20;
const NIGHTS_TO_FIND = 4;
const SLOWDOWNS = [0.1, 0.3];
const SLOWED_BOARDS = 200;
const CORRELATIONS = [0, 0.5, 0.8];
const QUIET_BOARDS = 30;
/** Nights judged on each quiet board, after NIGHTS_BEFORE. */
const QUIET_NIGHTS = 20;
const PLACES = 6;
const BAND_SERIES = 300;

const dateOf = (night: number): string => new Date(Date.UTC(2026, 0, 1 + night)).toISOString();

/** Nights of an autoregressive series with standard deviation 1. */
function nightsOf(random: Random, { count, correlation }: { readonly count: number; readonly correlation: number }) {
  let last = random.normal();
  return Array.from({ length: count }, (_, night) => {
    if (night > 0) last = correlation * last + Math.sqrt(1 - correlation ** 2) * random.normal();
    return last;
  });
}

function rowOf(
  night: number,
  { variant, speedUp }: { readonly variant: string; readonly speedUp: number },
): HistoryRow {
  const estimate = { value: speedUp, low: speedUp * 0.98, high: speedUp * 1.02 };
  return {
    method: 'simulated',
    variant,
    run: `night-${night}`,
    startedAt: dateOf(night),
    code: 'revision 1',
    modelRevision: 'model',
    seed: 0,
    status: 'completed',
    artifact: 'artifact',
    zstdBytes: 1000,
    cost: null,
    evaluation: null,
    measurement: {
      key: variant,
      run: `night-${night}`,
      status: 'completed',
      reason: null,
      latency: [{ shape: SHAPE, speedUp: estimate, noisy: false } as never],
      speedExclusion: null,
      findings: [],
      residentMemoryBytes: null,
      denseResidentMemoryBytes: null,
      annotations: [],
    },
  };
}

/** Rows of a board, by night. `slowdown` is that of the first entry, from night NIGHTS_BEFORE on. */
function boardRows(
  random: Random,
  {
    nights,
    correlation,
    slowdown,
  }: { readonly nights: number; readonly correlation: number; readonly slowdown: number },
): readonly (readonly HistoryRow[])[] {
  const entries = Array.from({ length: ENTRIES }, () => nightsOf(random, { count: nights, correlation }));
  return Array.from({ length: nights }, (_, night) =>
    entries.map((values, entry) => {
      const slowed = entry === 0 && night >= NIGHTS_BEFORE ? 1 + slowdown : 1;
      return rowOf(night, { variant: `v${entry}`, speedUp: Math.exp(NOISE * (values[night] ?? 0)) / slowed });
    }),
  );
}

/** Changes that the rows up to a night show for the first time on it, as `changes` reports them. */
function reportedOn(night: number, rows: readonly (readonly HistoryRow[])[]) {
  const found: readonly History[] = histories(rows.slice(0, night + 1).flat(), { board: 'simulated', steps: [] });
  return found.flatMap(({ id, points, changes }) =>
    changes.flatMap((change) =>
      points[change.foundAt]?.run === `night-${night}` ? [{ id, better: change.better, at: change.at }] : [],
    ),
  );
}

/** Share of boards on which the slowed entry is reported as worse within so many nights, and nights until then. */
function slowdownsFound(slowdown: number): { readonly within: number; readonly byNight: readonly number[] } {
  const byNight = Array.from({ length: NIGHTS_TO_FIND }, () => 0);
  for (let board = 0; board < SLOWED_BOARDS; board++) {
    const random = createRandom(`slowed ${slowdown} ${board}`);
    const rows = boardRows(random, { nights: NIGHTS_BEFORE + NIGHTS_TO_FIND, correlation: 0, slowdown });
    for (let after = 0; after < NIGHTS_TO_FIND; after++) {
      const reported = reportedOn(NIGHTS_BEFORE + after, rows);
      if (!reported.some(({ id, better }) => id === 'simulated/v0' && !better)) continue;
      byNight[after] = (byNight[after] ?? 0) + 1;
      break;
    }
  }
  return { within: byNight.reduce((sum, each) => sum + each, 0) / SLOWED_BOARDS, byNight };
}

/** Share of nights with any report on boards where nothing changes. */
function falseReports(correlation: number): number {
  let nights = 0;
  for (let board = 0; board < QUIET_BOARDS; board++) {
    const random = createRandom(`quiet ${correlation} ${board}`);
    const rows = boardRows(random, { nights: NIGHTS_BEFORE + QUIET_NIGHTS, correlation, slowdown: 0 });
    for (let after = 0; after < QUIET_NIGHTS; after++) if (reportedOn(NIGHTS_BEFORE + after, rows).length > 0) nights++;
  }
  return nights / (QUIET_BOARDS * QUIET_NIGHTS);
}

/** Share of good nights with any place out of control, after so many earlier runs. */
function goodNightsRejected(correlation: number, runs: number): number {
  let rejected = 0;
  for (let each = 0; each < BAND_SERIES; each++) {
    const random = createRandom(`band ${correlation} ${runs} ${each}`);
    const latencies = Array.from({ length: PLACES }, (_, place) =>
      nightsOf(random, { count: runs + 1, correlation }).map((value, night): DenseLatency => ({
        run: `night-${night}`,
        startedAt: dateOf(night),
        model: `model-${place}`,
        shape: SHAPE,
        under: 'the runner',
        rows: 1,
        denseP50Ms: 20 * Math.exp(NOISE * value),
      })),
    ).flat();
    const findings = controlFindings(`night-${runs}`, { qualities: [], latencies });
    if (findings.some(({ state }) => state === 'out of control')) rejected++;
  }
  return rejected / BAND_SERIES;
}

const slowed = SLOWDOWNS.map((slowdown) => {
  const { within, byNight } = slowdownsFound(slowdown);
  return [percent(slowdown), percent(within), byNight.join(', ')];
});
const quiet = CORRELATIONS.map((correlation) => [
  `${correlation}`,
  percent(falseReports(correlation)),
  ...[10, 30].map((runs) => percent(goodNightsRejected(correlation, runs))),
]);
writeGenerated(join(import.meta.dirname, '..', 'PROTOCOL.md'), {
  script: 'scripts/simulate-nights.ts',
  text: [
    `One of ${ENTRIES} entries becomes slower after ${NIGHTS_BEFORE} nights, at a noise of ${percent(NOISE)} from night to night; ${SLOWED_BOARDS} boards:`,
    markdownTable(
      [
        'slowdown',
        `reported within ${NIGHTS_TO_FIND} nights`,
        'boards on which it was first reported in night 1, 2, …',
      ],
      slowed,
    ),
    `Nothing changes, and a night correlates with the one before. False reports: nights with any, on ${QUIET_BOARDS} boards of ${ENTRIES} entries, ` +
      `nights ${NIGHTS_BEFORE + 1} to ${NIGHTS_BEFORE + QUIET_NIGHTS}. Rejected: good nights with any of ${PLACES} places of dense out of control, ` +
      `${BAND_SERIES} nights:`,
    markdownTable(
      ['correlation of nights', 'false reports', 'rejected after 10 runs', 'rejected after 30 runs'],
      quiet,
    ),
  ].join('\n\n'),
});
