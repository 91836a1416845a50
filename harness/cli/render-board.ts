/** The leaderboard as text: a block per weight class, low-cost beside high-cost where the terminal is wide enough. */
import { styleText } from 'node:util';
import type { Store } from '../../drizzle/client.ts';
import { type BoardEntry, type Leaderboard, itemsOf, leaderboard } from '../../drizzle/queries.ts';
import type { CostClass } from '../contracts/method.ts';
import { PROTOCOL } from '../contracts/protocol.ts';
import type { Items } from '../contracts/result.ts';
import { tierByPerplexity } from '../evaluate/compare-items.ts';
import {
  type Alignment,
  formatBytes,
  formatEstimate,
  formatFigureEstimate,
  formatRatio,
  formatSeconds,
  renderColumns,
  width,
} from './format.ts';

/** An entry with a quality, and its place among all of its weight class. */
interface Ranked {
  readonly entry: BoardEntry;
  readonly tier: number;
}

const SIDES: readonly { readonly costClass: CostClass; readonly title: string }[] = [
  { costClass: 'low-cost', title: 'LOW-COST (only looks)' },
  { costClass: 'high-cost', title: 'HIGH-COST (trains)' },
];
const GAP = '  │  ';
const FALLBACK_WIDTH = 100;

export function renderBoard(store: Store, request: { readonly model: string; readonly task: string }): string {
  const board = leaderboard(store, { ...request, protocol: PROTOCOL.version });
  const compressed = board.entries.filter(({ method }) => method !== 'dense');
  const ladder = [...PROTOCOL.weightClasses].reverse();
  const blocks = [...ladder, null].flatMap((weightClass, index) => {
    const members = compressed.filter((entry) => entry.quality !== null && entry.weightClass === weightClass);
    if (members.length === 0) return [];
    return [{ title: classTitle(weightClass, ladder[index - 1] ?? null), ranked: rank(store, members) }];
  });
  return [
    ...header(board, request),
    '',
    ...renderBlocks(blocks),
    ...renderFailures(board.entries),
    ...legend(compressed),
  ].join('\n');
}

function header(board: Leaderboard, { model, task }: { readonly model: string; readonly task: string }): string[] {
  const dense = board.entries.find(({ method }) => method === 'dense');
  const facts = [
    dense?.quality && `dense perplexity ${formatEstimate(dense.quality.estimate, 3)}`,
    board.dense &&
      `${formatBytes(board.dense.fileBytes)} file, ${formatBytes(board.dense.zstdBytes)} as shipped (zstd)`,
    dense?.inSample && 'in-sample: the model was trained on this data',
  ].filter(Boolean);
  const runner = board.runner
    ? `${board.runner.provider} · ${board.runner.machine.cpuModel} · ${PROTOCOL.latency.threads} thread`
    : 'no speed measured';
  return [
    styleText('bold', `${model} · ${task}`) + ` · protocol ${PROTOCOL.version} · ${runner}`,
    facts.join(' · ') || 'dense not measured yet',
  ];
}

function classTitle(weightClass: number | null, next: number | null): string {
  if (weightClass === null) return `less than ${PROTOCOL.weightClasses[0]}× smaller`;
  return next === null ? `${weightClass}× smaller and more` : `${weightClass}× to ${next}× smaller`;
}

/** Places by the paired test over all of the class, low-cost and high-cost together. */
function rank(store: Store, members: readonly BoardEntry[]): Ranked[] {
  const items = new Map(members.map((entry) => [entry, meanItems(store, entry)]));
  const itemsOfEntry = (entry: BoardEntry): Items => items.get(entry) as Items;
  return tierByPerplexity(members, itemsOfEntry).flatMap(({ tier, entries }) =>
    entries.map((entry) => ({ entry, tier })),
  );
}

/** Per-item outcomes, averaged over the seeds of a variant. */
function meanItems(store: Store, { trials }: BoardEntry): Items {
  const seeds = trials.flatMap(({ evaluation }) => (evaluation?.quality ? [itemsOf(store, evaluation.key)] : []));
  const [first] = seeds;
  if (!first) throw new TypeError('a ranked entry has an evaluation');
  const mean =
    seeds.length === 1 ? first.negativeLogLikelihood : averageColumns(seeds.map((seed) => seed.negativeLogLikelihood));
  return { ...first, negativeLogLikelihood: mean };
}

function averageColumns(columns: readonly (readonly number[])[]): number[] {
  return (columns[0] ?? []).map((_, i) => columns.reduce((sum, column) => sum + (column[i] ?? 0), 0) / columns.length);
}

interface Block {
  readonly title: string;
  readonly ranked: readonly Ranked[];
}

/** All blocks in the same columns, so that the eye can run down them. */
function renderBlocks(blocks: readonly Block[]): string[] {
  const sides = SIDES.map(({ costClass, title }) => {
    const members = blocks.map(({ ranked }) => ranked.filter(({ entry }) => entry.costClass === costClass));
    const lines = renderColumns([TITLES, ...members.flat().map(cellsOf)], ALIGNMENTS);
    const [titles = '', ...rows] = lines;
    const rendered = members.map((ranked) => (ranked.length === 0 ? [] : rows.splice(0, ranked.length)));
    return {
      title,
      titles,
      rendered,
      wide: members.some(({ length }) => length > 0) ? Math.max(...lines.map(width)) : 0,
    };
  });
  const [left, right] = sides;
  if (!left || !right) return [];
  const available = process.stdout.columns ?? FALLBACK_WIDTH;
  const beside =
    Math.max(left.wide, width(left.title)) + GAP.length + Math.max(right.wide, width(right.title)) <= available;
  return blocks.flatMap(({ title }, block) => {
    const heading = styleText('bold', title);
    const filled = sides.map((side) => {
      const rows = side.rendered[block] ?? [];
      return [styleText('dim', side.title), ...(rows.length === 0 ? [styleText('dim', '—')] : [side.titles, ...rows])];
    });
    const [leftLines = [], rightLines = []] = filled;
    return beside
      ? [heading, ...joinSides(leftLines, rightLines, Math.max(left.wide, width(left.title))), '']
      : [heading, ...leftLines, ...rightLines, ''];
  });
}

function joinSides(left: readonly string[], right: readonly string[], leftWidth: number): string[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const line = left[i] ?? '';
    return `${line}${' '.repeat(Math.max(0, leftWidth - width(line)))}${GAP}${right[i] ?? ''}`.trimEnd();
  });
}

const COLUMNS: readonly (readonly [title: string, alignment: Alignment])[] = [
  ['tier', 'right'],
  ['method', 'left'],
  ['perplexity', 'right'],
  ['smaller', 'right'],
  ['1 token', 'right'],
  ['8×128', 'right'],
  ['cost', 'right'],
];
const TITLES = COLUMNS.map(([title]) => styleText('dim', title));
const ALIGNMENTS = COLUMNS.map(([, alignment]) => alignment);

function cellsOf({ entry, tier }: Ranked): string[] {
  return [
    String(tier),
    `${entry.method}/${entry.variant}${marksOf(entry)}`,
    entry.quality ? formatFigureEstimate(entry.quality.estimate) : '—',
    entry.ratio === null ? '—' : formatRatio(entry.ratio),
    speedUpOf(entry, 0),
    speedUpOf(entry, 1),
    entry.cost ? formatSeconds(entry.cost.wallSeconds) : '—',
  ];
}

function speedUpOf({ latency }: BoardEntry, shape: number): string {
  const found = latency[shape];
  if (!found) return '—';
  return `${found.noisy ? '~' : ''}${formatRatio(found.speedUp.value)}`;
}

function marksOf({ control, simulated, stale }: BoardEntry): string {
  return `${control ? '†' : ''}${simulated === null ? '' : '*'}${stale ? '°' : ''}`;
}

function renderFailures(entries: readonly BoardEntry[]): string[] {
  const lines = entries.flatMap((entry) =>
    entry.trials.flatMap((trial) =>
      [trial, trial.evaluation, trial.measurement].flatMap((row) =>
        row && row.status !== 'completed'
          ? [`  ${entry.method}/${entry.variant}: ${row.status}: ${(row.reason ?? '').split('\n')[0]}`]
          : [],
      ),
    ),
  );
  return lines.length === 0 ? [] : [styleText('bold', 'failed'), ...lines, ''];
}

function legend(entries: readonly BoardEntry[]): string[] {
  const confidence = `${Math.round(PROTOCOL.quality.confidence * 100)} %`;
  const marks = [
    entries.some(({ control }) => control) && '† control, not a proposal',
    entries.some(({ simulated }) => simulated !== null) && '* simulated: size or speed is not what it would really be',
    entries.some(({ stale }) => stale) && '° stale: from older code',
    entries.some(({ latency }) => latency.some(({ noisy }) => noisy)) && '~ noisy timing',
  ].filter((mark) => typeof mark === 'string');
  return [
    `perplexity with ${confidence} interval, lower is better; a tier holds what a paired test cannot tell from its best`,
    'smaller: zstd bytes of dense over those of the artifact; 1 token, 8×128: times as fast as dense; cost: wall time of compressing',
    ...(marks.length > 0 ? [marks.join(' · ')] : []),
  ].map((line) => styleText('dim', line));
}
