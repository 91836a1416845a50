/**
 * Where a method stands, as Markdown that reads as well in a terminal: its declaration, its contract, and per board each
 * variant in its weight class, with paired differences against the best there and against dense.
 */
import { DENSE_METHOD, type Store, itemsOf } from '../../drizzle/queries.ts';
import { type BoardEntry, leaderboard } from '../../board/derive/leaderboard.ts';
import type { Metric } from '../../contracts/dataset.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { entryCompute } from '../../board/derive/cost-efficiency.ts';
import { type BoardRanking, rankBoard } from '../../board/derive/rank-board.ts';
import { pairedOf } from '../../board/derive/paired.ts';
import { markdownTable } from '../render/markdown-table.ts';
import { formatBytes, formatCost, formatEstimate, formatRatio, formatSeconds } from '../../contracts/words/figures.ts';
import { formatRank } from '../../contracts/words/board.ts';
import { METRIC_WORDS, formatQualityEstimate } from '../../contracts/words/metric.ts';
import type { ContractOutcome } from './method-contract.ts';
import { bestOf } from './method-rivals.ts';

export interface Difference {
  readonly against: string;
  /** Percent of perplexity, or points of accuracy, with its interval and p-value. */
  readonly text: string;
}

export interface Standing {
  readonly variant: string;
  readonly weightClass: string;
  readonly quality: string;
  /** `2–5 of 9`. */
  readonly rank: string;
  readonly smaller: string;
  readonly cost: string;
  readonly againstBest: Difference | null;
  readonly againstDense: Difference | null;
}

export interface BoardStanding {
  readonly model: string;
  readonly task: string;
  readonly metric: string;
  readonly standings: readonly Standing[];
  /** What failed, and why. */
  readonly failures: readonly { readonly name: string; readonly reason: string }[];
}

export interface MethodReport {
  readonly id: string;
  readonly declaration: readonly string[];
  /** Null when it was not run. */
  readonly contract: ContractOutcome | null;
  readonly boards: readonly BoardStanding[];
  /** What a run left undone, and why. */
  readonly undone: readonly string[];
}

/** How the method's variants stand on a board of the store. */
export function standingsOf(
  store: Store,
  { method, model, task }: { readonly method: string; readonly model: string; readonly task: string },
): BoardStanding {
  const { entries } = leaderboard(store, { model, task, protocol: PROTOCOL.version });
  const fresh = entries.filter(({ stale }) => !stale);
  const ranking = rankBoard(fresh, ({ evaluation, artifact }) => itemsOf(store, evaluation?.key ?? '', artifact ?? ''));
  const own = fresh.filter((entry) => entry.method === method);
  const metric = ranking.compared[0]?.quality?.metric;
  return {
    model,
    task,
    metric: metric === undefined ? 'quality' : METRIC_WORDS[metric].title,
    standings:
      metric === undefined
        ? []
        : own.filter(({ quality }) => quality !== null).map((entry) => standingOf(entry, { ranking, metric })),
    failures: own.flatMap((entry) => failuresOf(entry, ranking)),
  };
}

function standingOf(
  entry: BoardEntry,
  { ranking, metric }: { readonly ranking: BoardRanking; readonly metric: Metric },
): Standing {
  const { variant, weightClass, quality, ratio, cost } = entry;
  const rank = ranking.ranks.get(entry);
  const compute = entryCompute(entry);
  const others = ranking.compared.filter(
    (other) => other.weightClass === weightClass && other.method !== entry.method && other.method !== DENSE_METHOD,
  );
  const against = (other: BoardEntry | undefined) => differenceOf(entry, other, { ranking, metric });
  return {
    variant,
    weightClass: weightClass === null ? `under ${PROTOCOL.weightClasses[0]}×` : `${weightClass}×`,
    quality: quality ? formatQualityEstimate({ metric, estimate: quality.estimate }) : '—',
    rank: rank === undefined ? 'unranked' : `${formatRank(rank)} of ${rank.of}`,
    smaller: ratio === null ? '—' : formatRatio(ratio),
    cost: cost && compute ? `${formatCost(compute.seconds)}, ${formatBytes(cost.peakMemoryBytes)}` : '—',
    againstBest: against(bestOf(others)[0]),
    againstDense: against(ranking.compared.find((other) => other.method === DENSE_METHOD && other !== entry)),
  };
}

function differenceOf(
  entry: BoardEntry,
  other: BoardEntry | undefined,
  { ranking, metric }: { readonly ranking: BoardRanking; readonly metric: Metric },
): Difference | null {
  if (!other) return null;
  const [first, second] = [ranking.compared.indexOf(entry), ranking.compared.indexOf(other)];
  const found = first < 0 || second < 0 ? null : ranking.pairing?.compare(first, second);
  if (!found) return null;
  const { shown, pValue, better } = pairedOf(found, metric);
  const p = pValue < 0.001 ? 'p < 0.001' : `p = ${pValue.toFixed(3)}`;
  const verdict = better === null ? 'undecided' : better === 'first' ? 'better' : 'worse';
  const unit = metric === 'perplexity' ? '%' : 'points';
  return {
    against: nameOf(other),
    text: `${formatEstimate(shown, Math.abs(shown.value) < 100 ? 2 : 0)} ${unit}, ${p}, ${verdict}`,
  };
}

function failuresOf(entry: BoardEntry, { unranked }: BoardRanking): BoardStanding['failures'] {
  const name = nameOf(entry);
  const rows = entry.trials.flatMap((trial) => [
    { what: 'trial', ...trial },
    ...(trial.evaluation ? [{ what: 'evaluation', ...trial.evaluation }] : []),
    ...(trial.measurement ? [{ what: 'measurement', ...trial.measurement }] : []),
  ]);
  const failed = rows
    .filter(({ status }) => status !== 'completed')
    .map(({ what, status, reason }) => ({ name, reason: `${what} ${status}: ${reason ?? 'no reason given'}` }));
  const reason = unranked.get(entry);
  return reason === undefined ? failed : [...failed, { name, reason: `not ranked: ${reason}` }];
}

function nameOf({ method, variant }: Pick<BoardEntry, 'method' | 'variant'>): string {
  return `${method}/${variant}`;
}

/** Whether everything that was looked at is as it should be. */
export function isReady({ declaration, contract, boards, undone }: MethodReport): boolean {
  return (
    declaration.length === 0 &&
    contract !== null &&
    contract.broken.length === 0 &&
    undone.length === 0 &&
    boards.every(({ standings, failures }) => standings.length > 0 && failures.every(({ reason }) => isRefusal(reason)))
  );
}

/** A method may refuse a model, with a reason; that is no defect. */
function isRefusal(reason: string): boolean {
  return /^(trial|evaluation|measurement) unsupported:/.test(reason);
}

export function renderReport(report: MethodReport): string {
  const { id, declaration, contract, boards, undone } = report;
  return [
    `# ${id}: ${isReady(report) ? 'ready' : 'not ready'}`,
    ...section('Declaration', [
      declaration.length === 0 ? ['Schema, description, citation and files are in order.'] : list(declaration),
    ]),
    ...section('Contract', [renderContract(contract)]),
    ...boards.flatMap(renderBoard),
    ...(undone.length === 0 ? [] : section('Not done', [list(undone)])),
    '',
  ].join('\n');
}

function renderContract(contract: ContractOutcome | null): string[] {
  if (contract === null) return ['Not examined.'];
  const { kept, broken, refused, wallSeconds } = contract;
  const counts = `${kept} promises kept, ${broken.length} broken; ${formatSeconds(wallSeconds)}.`;
  return [
    counts,
    ...(broken.length === 0 ? [] : ['', ...list(broken.map(({ promise, reason }) => `${promise}: ${reason}`))]),
    ...(refused.length === 0 ? [] : ['', ...list(refusalsOf(refused))]),
  ];
}

/** One text for each reason, with the variants it was given for. */
function refusalsOf(refused: ContractOutcome['refused']): string[] {
  const groups = Map.groupBy(refused, ({ model, reason }) => JSON.stringify([model, reason]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    const variants = group.map(({ variant }) => variant).join(', ');
    return first ? [`refused ${first.model} (${variants}): ${first.reason}`] : [];
  });
}

function renderBoard({ model, task, metric, standings, failures }: BoardStanding): string[] {
  const differences = standings.flatMap(({ variant, againstBest, againstDense }) =>
    [againstBest, againstDense].flatMap((found) => (found ? [[variant, found.against, found.text]] : [])),
  );
  const rows = standings.map((row) => [row.variant, row.weightClass, row.quality, row.rank, row.smaller, row.cost]);
  return section(`${model}, ${task}`, [
    standings.length === 0
      ? ['No variant has a result.']
      : table(
          ['variant', 'class', `${metric} [95 %]`, 'rank in its class', 'smaller', 'cost: compute, peak memory'],
          rows,
        ),
    ...(differences.length === 0
      ? []
      : [
          ['Differences to the best entry of another method in the class, and to dense, paired by item:'],
          table(['variant', 'against', 'difference [95 %]'], differences),
        ]),
    ...(failures.length === 0 ? [] : [list(failures.map(({ name, reason }) => `${name}: ${reason}`))]),
  ]);
}

function section(title: string, blocks: readonly (readonly string[])[]): string[] {
  return ['', `## ${title}`, ...blocks.flatMap((block) => ['', ...block])];
}

/** What a method says may hold lines and marks of its own. */
function list(texts: readonly string[]): string[] {
  return texts.map((text) => `- ${plain(text).replaceAll('|', '\\|')}`);
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map(plain));
  return markdownTable(titles, cells, { padded: true }).split('\n');
}

/** Longer reasons are in the store: `shrinkrank show` has them whole. */
const LONGEST_TEXT = 600;

/** One line without control characters, in which Markdown finds no mark. */
function plain(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, ' ').trim();
  const short = line.length > LONGEST_TEXT ? `${line.slice(0, LONGEST_TEXT)}…` : line;
  return short.replaceAll(/[\\`*@]|<(?=[\w/!?])|^[>#]|\[(?=[^\]]*\]\()/g, (mark) => `\\${mark}`);
}
