/** The leaderboard as text: a block per weight class, low-cost beside high-cost where the terminal is wide enough. */
import { styleText } from 'node:util';
import type { Store } from '../../drizzle/client.ts';
import { DENSE_METHOD, itemsOf, readCatalog } from '../../drizzle/queries.ts';
import { type BoardEntry, type Leaderboard, leaderboard } from '../../board/derive/leaderboard.ts';
import type { CostClass } from '../../contracts/taxonomy.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Paired, Rank } from '../../contracts/derived.ts';
import type { Quality } from '../../contracts/result.ts';
import { entryCompute } from '../../board/derive/cost-efficiency.ts';
import { rankBoard } from '../../board/derive/rank-board.ts';
import { type Alignment, cut, outputColumns, renderColumns, width, wrapParts } from '../setup/columns.ts';
import { formatBytes, formatCost, formatRatio, formatSigned } from '../../contracts/words/figures.ts';
import { formatRank, runnerName, weightClassTitle } from '../../contracts/words/board.ts';
import { METRIC_WORDS, formatQuality, gapUnit } from '../../contracts/words/metric.ts';

/** An entry with a quality, its rank in its weight class, and its difference to dense where there is one. */
interface Ranked {
  readonly entry: BoardEntry;
  /** A single seed of a method that draws. */
  readonly lone: boolean;
  readonly rank: Rank;
  readonly toDense: Paired | undefined;
}

const SIDES: readonly { readonly costClass: CostClass; readonly title: string }[] = [
  { costClass: 'low-cost', title: 'LOW-COST (does not train)' },
  { costClass: 'high-cost', title: 'HIGH-COST (trains)' },
];
const GAP = '  │  ';

export function renderBoard(
  store: Store,
  request: {
    readonly model: string;
    readonly task: string;
    readonly columns?: number;
    /** Fingerprint; by default the runner with the most measurements. */
    readonly runner?: string;
  },
): string {
  const columns = request.columns ?? outputColumns();
  const { model, task, runner } = request;
  const usual = leaderboard(store, { model, task, protocol: PROTOCOL.version });
  const known = usual.runners.some(({ fingerprint }) => fingerprint === runner);
  const board =
    known && runner !== undefined && runner !== usual.runner?.fingerprint
      ? leaderboard(store, { model, task, protocol: PROTOCOL.version, runner })
      : usual;
  const compressed = board.entries.filter(({ method }) => method !== DENSE_METHOD);
  const { compared, outcomes, order, ranks, toDense, unranked } = rankBoard(board.entries, ({ evaluation, artifact }) =>
    itemsOf(store, evaluation?.key ?? '', artifact ?? ''),
  );
  const lone = new Set(compared.filter((_, index) => outcomes[index]?.seeds === 'one seed'));
  const ladder = [...PROTOCOL.weightClasses].reverse();
  const blocks = [...ladder, null].flatMap((weightClass) => {
    const ranked = order.flatMap((entry): Ranked[] => {
      const rank = ranks.get(entry);
      return rank && entry.weightClass === weightClass
        ? [{ entry, lone: lone.has(entry), rank, toDense: toDense.get(entry) }]
        : [];
    });
    return ranked.length === 0 ? [] : [{ title: weightClassTitle(weightClass), ranked }];
  });
  const { lines, shown } = renderBlocks(blocks, { all: columnsFor(metricOf(board)), columns });
  return [
    ...header(board, { ...request, columns, chance: chanceOf(store, request.task) }),
    '',
    ...lines,
    ...renderUnranked(unranked, columns),
    ...renderFailures(board.entries, columns),
    ...legend(compressed, {
      shown,
      columns,
      metric: metricOf(board),
      anyLone: compressed.some((each) => lone.has(each)),
    }),
  ].join('\n');
}

function header(
  board: Leaderboard,
  {
    model,
    task,
    columns,
    chance,
  }: { readonly model: string; readonly task: string; readonly columns: number; readonly chance: number | undefined },
): string[] {
  const dense = board.entries.find(({ method }) => method === DENSE_METHOD);
  const metric = metricOf(board);
  const place = [
    styleText('bold', `${model} · ${task}`),
    `protocol ${PROTOCOL.version}`,
    ...(board.runner ? [runnerName(board.runner), `${PROTOCOL.latency.threads} thread`] : ['no speed measured']),
    ...noisyFact(board),
  ];
  const facts = [
    dense?.quality
      ? `dense: ${METRIC_WORDS[dense.quality.metric].title} ${formatQuality(dense.quality.metric, dense.quality.estimate.value)}`
      : 'dense not measured yet',
    ...(chance === undefined || metric === undefined ? [] : [`guessing gets ${formatQuality(metric, chance)}`]),
    ...(board.dense
      ? [`${formatBytes(board.dense.fileBytes)} file`, `${formatBytes(board.dense.zstdBytes)} as shipped (zstd)`]
      : []),
    ...(dense?.inSample ? ['in-sample: the model was trained on this data'] : []),
  ];
  return [place, facts].flatMap((parts) => wrapParts(parts, { separator: ' · ', columns }));
}

/** A board to be published has at most a tenth of its timings noisy. */
function noisyFact({ entries }: Leaderboard): string[] {
  const timed = entries.flatMap(({ latency }) => latency);
  const noisy = timed.filter((each) => each.noisy).length;
  return noisy === 0 ? [] : [`${Math.round((100 * noisy) / timed.length)} % of the timings noisy`];
}

/** The accuracy of guessing, for tasks that have one. */
function chanceOf(store: Store, task: string): number | undefined {
  return readCatalog(store).tasks.find(({ id }) => id === task)?.chance;
}

interface Block {
  readonly title: string;
  readonly ranked: readonly Ranked[];
}

/** Columns that are left out, in this order, where there is no room. */
const NARROWINGS: readonly (readonly string[])[] = [
  [],
  ['8×128'],
  ['8×128', '1 token'],
  ['8×128', '1 token', 'smaller'],
  ['8×128', '1 token', 'smaller', 'cost'],
];

/**
 * All blocks have the same columns. Low-cost stands beside high-cost where both have entries and the terminal is wide enough, if need
 * be without the speeds; otherwise high-cost stands below low-cost.
 */
function renderBlocks(
  blocks: readonly Block[],
  { all, columns }: { readonly all: readonly Column[]; readonly columns: number },
): { readonly lines: readonly string[]; readonly shown: readonly Column[] } {
  const filled = SIDES.filter(({ costClass }) => blocks.some(({ ranked }) => ranked.some(isOn(costClass))));
  const layouts = [true, false].flatMap((beside) =>
    NARROWINGS.map((omitted) => {
      const shown = all.filter(({ title }) => !omitted.includes(title));
      const sides = filled.map((side) => renderSide(side, blocks, shown));
      const widths = sides.map(({ wide }) => wide);
      const taken = beside ? widths.reduce((sum, wide) => sum + GAP.length + wide, -GAP.length) : Math.max(...widths);
      return { beside, shown, sides, fits: taken <= columns && (!beside || sides.length === 2) };
    }),
  );
  const layout = layouts.find(({ fits }) => fits) ?? layouts.at(-1);
  if (!layout || filled.length === 0) return { lines: [], shown: all };
  const { beside, sides, shown } = layout;
  const [left] = sides;
  const lines = blocks.flatMap(({ title }, block) => {
    const parts = sides.map((side) => side.blocks[block] ?? []);
    const body = beside
      ? joinSides(parts[0] ?? [], parts[1] ?? [], left?.wide ?? 0)
      : parts.filter((part) => part.length > 1).flat();
    return [styleText('bold', title), ...body, ''];
  });
  const missing = SIDES.filter((side) => !filled.includes(side)).map(({ title }) => `nothing yet under ${title}`);
  return { lines: [...lines, ...missing.flatMap((line) => [styleText('dim', line), ''])], shown };
}

/** One cost class of every block, under its title; a block without entries of it says so. */
function renderSide(
  { costClass, title }: (typeof SIDES)[number],
  blocks: readonly Block[],
  shown: readonly Column[],
): { readonly wide: number; readonly blocks: readonly (readonly string[])[] } {
  const members = blocks.map(({ ranked }) => ranked.filter(isOn(costClass)));
  const head = shown.map((column) => styleText('dim', column.title));
  const [titles = '', ...rows] = renderColumns(
    [head, ...members.flat().map((ranked) => shown.map(({ cell }) => cell(ranked)))],
    shown.map(({ alignment }) => alignment),
  );
  const heading = styleText('dim', title);
  return {
    wide: Math.max(width(title), width(titles), ...rows.map(width)),
    blocks: members.map(({ length }) =>
      length === 0 ? [`${heading}: —`] : [heading, titles, ...rows.splice(0, length)],
    ),
  };
}

function isOn(costClass: CostClass): (ranked: Ranked) => boolean {
  return ({ entry }) => entry.costClass === costClass;
}

function joinSides(left: readonly string[], right: readonly string[], leftWidth: number): string[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const line = left[i] ?? '';
    return `${line}${' '.repeat(Math.max(0, leftWidth - width(line)))}${GAP}${right[i] ?? ''}`.trimEnd();
  });
}

interface Column {
  readonly title: string;
  readonly alignment: Alignment;
  readonly cell: (ranked: Ranked) => string;
}

/** Undefined on a board without a quality, whose column is called `quality`. */
function metricOf(board: Leaderboard): Quality['metric'] | undefined {
  return board.entries.find(({ quality }) => quality)?.quality?.metric;
}

function columnsFor(metric: Quality['metric'] | undefined): readonly Column[] {
  if (metric === undefined) return COLUMNS;
  const titles: Readonly<Record<string, string>> = {
    quality: METRIC_WORDS[metric].title,
    'against dense': `against dense, ${gapUnit(metric)}`,
  };
  return COLUMNS.map((column) => ({ ...column, title: titles[column.title] ?? column.title }));
}

const COLUMNS: readonly Column[] = [
  { title: 'rank', alignment: 'right', cell: ({ rank }) => formatRank(rank) },
  {
    title: 'method',
    alignment: 'left',
    cell: ({ entry, lone }) => `${entry.method}/${entry.variant}${marksOf(entry)}${lone ? '¹' : ''}`,
  },
  {
    title: 'quality',
    alignment: 'right',
    cell: ({ entry }) => (entry.quality ? formatQuality(entry.quality.metric, entry.quality.estimate.value) : '—'),
  },
  { title: 'against dense', alignment: 'right', cell: ({ toDense }) => gapOf(toDense) },
  {
    title: 'smaller',
    alignment: 'right',
    cell: ({ entry }) => (entry.ratio === null ? '—' : formatRatio(entry.ratio)),
  },
  { title: '1 token', alignment: 'right', cell: ({ entry }) => speedUpOf(entry, 0) },
  { title: '8×128', alignment: 'right', cell: ({ entry }) => speedUpOf(entry, 1) },
  {
    title: 'cost',
    alignment: 'right',
    cell: ({ entry }) => costOf(entry),
  },
];

/** +5.31 [+4.90, +5.80] */
function gapOf(toDense: Paired | undefined): string {
  if (!toDense) return '—';
  const { value, low, high } = toDense.shown;
  return `${formatSigned(value)} [${formatSigned(low)}, ${formatSigned(high)}]`;
}

function speedUpOf({ latency }: BoardEntry, shape: number): string {
  const found = latency[shape];
  if (!found) return '—';
  return `${found.noisy ? '~' : ''}${formatRatio(found.speedUp.value)}`;
}

function costOf(entry: BoardEntry): string {
  const compute = entryCompute(entry);
  return compute ? formatCost(compute.seconds) : '—';
}

function marksOf({ control, simulated, stale }: BoardEntry): string {
  return `${control ? '†' : ''}${simulated === null ? '' : '*'}${stale ? '°' : ''}`;
}

/** Entries with the same reason share a line. */
function renderUnranked(unranked: ReadonlyMap<BoardEntry, string>, columns: number): string[] {
  const groups = Map.groupBy(unranked, ([, reason]) => reason);
  return [...groups].flatMap(([reason, entries]) => [
    `${styleText('bold', `not ranked (${entries.length})`)}: ${reason}`,
    ...wrapParts(
      entries.map(([{ method, variant }]) => `${method}/${variant}`),
      { separator: ', ', columns: columns - 2 },
    ).map((line) => `  ${line}`),
    '',
  ]);
}

/** Entries with the same reason share a line; `show` prints the whole reason. */
function renderFailures(entries: readonly BoardEntry[], columns: number): string[] {
  const groups = new Map<string, Set<string>>();
  let count = 0;
  for (const entry of entries) {
    for (const row of entry.trials.flatMap((trial) => [trial, trial.evaluation, trial.measurement])) {
      if (!row || row.status === 'completed') continue;
      const reason = `${row.status}: ${(row.reason ?? '').split('\n')[0]}`;
      groups.set(reason, (groups.get(reason) ?? new Set()).add(`${entry.method}/${entry.variant}`));
      count++;
    }
  }
  if (count === 0) return [];
  const lines = [...groups].flatMap(([reason, names]) => [
    ...wrapParts([...names], { separator: ', ', columns: columns - 2 }).map((line) => `  ${line}`),
    `    ${cut(reason, columns - 4)}`,
  ]);
  return [`${styleText('bold', `failed (${count})`)}; \`show <method/variant>\` has the whole reason`, ...lines, ''];
}

function legend(
  entries: readonly BoardEntry[],
  {
    shown,
    columns,
    metric,
    anyLone,
  }: {
    readonly shown: readonly Column[];
    readonly columns: number;
    readonly metric: Quality['metric'] | undefined;
    readonly anyLone: boolean;
  },
): string[] {
  const confidence = `${Math.round(PROTOCOL.quality.confidence * 100)} %`;
  const omitted = columnsFor(metric)
    .map(({ title }) => title)
    .filter((title) => !shown.some((column) => column.title === title));
  const speeds = ['1 token', '8×128'].filter((title) => !omitted.includes(title));
  const parts = [
    metric !== undefined && `${METRIC_WORDS[metric].title}: ${METRIC_WORDS[metric].direction}`,
    metric !== undefined && `against dense: paired by test item, ${confidence} interval`,
    'rank: the best to the worst it may have in its size',
    !omitted.includes('smaller') && 'smaller: zstd bytes of dense over those of the artifact',
    speeds.length > 0 && `${speeds.join(', ')}: times as fast as dense`,
    !omitted.includes('cost') && 'cost: compute of compressing, seconds of the processor or accelerator',
    omitted.length > 0 && `not shown, for want of room: ${omitted.join(', ')}`,
    entries.some(({ control }) => control) && '† control, not a proposal',
    entries.some(({ simulated }) => simulated !== null) && '* simulated: size or speed is not what it would really be',
    entries.some(({ stale }) => stale) && '° stale: of an older revision',
    anyLone && '¹ 1 seed: speaks of this artifact, not of the method',
    speeds.length > 0 && entries.some(({ latency }) => latency.some(({ noisy }) => noisy)) && '~ noisy timing',
  ].filter((part) => typeof part === 'string');
  return wrapParts(parts, { separator: ' · ', columns }).map((line) => styleText('dim', line));
}
