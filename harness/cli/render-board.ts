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
const GAP = '   │ ';
const FALLBACK_WIDTH = 100;

export function renderBoard(store: Store, request: { readonly model: string; readonly task: string }): string {
  const board = leaderboard(store, { ...request, protocol: PROTOCOL.version });
  const compressed = board.entries.filter(({ method }) => method !== 'dense');
  const lines = [...header(board, request), ''];
  const classes = [...PROTOCOL.weightClasses].reverse();
  for (const [index, weightClass] of [...classes, null].entries()) {
    const members = compressed.filter((entry) => entry.quality !== null && entry.weightClass === weightClass);
    if (members.length === 0) continue;
    lines.push(styleText('bold', classTitle(weightClass, index === 0 ? null : (classes[index - 1] ?? null))));
    lines.push(...renderClass(rank(store, members)), '');
  }
  lines.push(...renderFailures(board.entries), ...legend(compressed));
  return lines.join('\n');
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

function renderClass(ranked: readonly Ranked[]): string[] {
  const sides = SIDES.map(({ costClass, title }) => ({
    title,
    lines: renderSide(ranked.filter(({ entry }) => entry.costClass === costClass)),
  }));
  const widths = sides.map(({ title, lines }) => Math.max(width(title), ...lines.map(width)));
  const available = process.stdout.columns ?? FALLBACK_WIDTH;
  const beside = widths.reduce((sum, side) => sum + side, GAP.length) <= available;
  if (!beside) return sides.flatMap(({ title, lines }) => [styleText('dim', title), ...lines]);
  const height = Math.max(...sides.map(({ lines }) => lines.length));
  const [left, right] = sides.map(({ title, lines }, side) =>
    [styleText('dim', title), ...lines, ...Array<string>(height - lines.length).fill('')].map(
      (line) => line + ' '.repeat(Math.max(0, (widths[side] ?? 0) - width(line))),
    ),
  );
  return (left ?? []).map((line, i) => (line + GAP + (right?.[i] ?? '')).trimEnd());
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

function renderSide(ranked: readonly Ranked[]): string[] {
  if (ranked.length === 0) return [styleText('dim', '—')];
  const rows = ranked.map(({ entry, tier }) => [
    String(tier),
    `${entry.method}/${entry.variant}${marksOf(entry)}`,
    entry.quality ? formatEstimate(entry.quality.estimate, 2) : '—',
    entry.ratio === null ? '—' : formatRatio(entry.ratio),
    speedUpOf(entry, 0),
    speedUpOf(entry, 1),
    entry.cost ? formatSeconds(entry.cost.wallSeconds) : '—',
  ]);
  const titles = COLUMNS.map(([title]) => styleText('dim', title));
  return renderColumns(
    [titles, ...rows],
    COLUMNS.map(([, alignment]) => alignment),
  );
}

function speedUpOf({ latency }: BoardEntry, shape: number): string {
  const found = latency[shape];
  if (!found) return '—';
  return `${found.noisy ? '~' : ''}${formatRatio(found.speedUp.value)}`;
}

function marksOf({ control, simulated, stale, inSample: _ }: BoardEntry): string {
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
