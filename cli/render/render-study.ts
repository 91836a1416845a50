/** A study as a Markdown page: the question, the answer computed from the rows, dated notes, and the tables they stand on. */
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { BoardEntry } from '../../board/derive/leaderboard.ts';
import type { Judgement, Verdict } from '../../numerics/statistics/judge-relation.ts';
import { formatBytes, formatEstimate, formatSeconds } from '../../contracts/words/figures.ts';
import { formatQualityEstimate } from '../../contracts/words/metric.ts';
import type { JudgedContest, JudgedRelation } from '../setup/judge-study.ts';
import type { Study, StudyNote } from '../../studies/study.ts';
import { concludeStudy, nameOfRelation } from './conclude-study.ts';
import { markdownTable } from './markdown-table.ts';

const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  shown: 'shown',
  'not shown': '**not shown**',
  refuted: '**refuted**',
};

const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`;
const { margins } = PROTOCOL.comparison;

const HOW_RATIOS_ARE_READ =
  'For latency and size the figure is a ratio, first divided by second, marked “×”: below 1 the first is faster or smaller. ' +
  'Latency is the time of a call on one thread, as a share of the dense model that was timed beside it. Size is the bytes of ' +
  'the ONNX file; it is exact and has no margin.';

export function renderStudy(study: Study, contests: readonly JudgedContest[]): string {
  const { id, title, question, relations } = study;
  const judgements = contests
    .flatMap(({ judged }) => judged.map(({ judgement }) => judgement))
    .filter((judgement) => typeof judgement !== 'string');
  const hasRatios = relations.some(({ metric = 'quality' }) => metric !== 'quality');
  const answer =
    judgements.length === 0
      ? ['**No relation of this study has been measured.**']
      : [
          countVerdicts(judgements),
          ...(hasRatios ? [HOW_RATIOS_ARE_READ] : []),
          bullets(concludeStudy(contests)),
          ...renderNotes(study.notes, contests),
        ];
  const command = `To measure it again: \`npm run shrinkrank -- study ${id}\`.`;
  return `${[`# ${title}`, question, ...answer, command, ...contests.map(renderContest)].join('\n\n')}\n`;
}

function countVerdicts(judgements: readonly Judgement[]): string {
  const count = (wanted: Verdict): number => judgements.filter(({ verdict }) => verdict === wanted).length;
  return (
    `**Of ${judgements.length} relations measured ${count('shown')} are shown, ${count('refuted')} refuted and ${count('not shown')} not shown.** ` +
    'A difference of quality is first minus second on the same test items, averaged over seeds: nats per decision for ' +
    'perplexity (below 0 the first is better), the share of right decisions for accuracies (above 0 the first is better). Its ' +
    '95 % interval is over items and seeds. “Better” is shown where the interval lies on the side of the first. “Not worse”, ' +
    `“not better” and “as good” hold within a margin of ${percent(margins.perplexity)} of perplexity, ` +
    `${Number((100 * margins.accuracy).toPrecision(3))} point of accuracy or ${percent(margins.latency)} of time. A verdict needs every seed to agree, and the p-values ` +
    'of all relations of this page are corrected together (Holm), so an interval alone does not decide. “1 seed” marks a ' +
    'relation between single artifacts of methods that may draw: it says nothing of the methods.'
  );
}

/** A note holds for the rows it was written from: with a trial of another run in the tables it is shown as out of date. */
function renderNotes(notes: readonly StudyNote[], contests: readonly JudgedContest[]): string[] {
  const runs = new Set(
    contests.flatMap(({ entries }) =>
      entries.filter(({ method }) => method !== 'dense').flatMap(({ trials }) => trials.map(({ run }) => run)),
    ),
  );
  if (notes.length === 0) return [];
  const lines = notes.map(({ date, runs: known, text }) => {
    const unknown = [...runs].filter((run) => !known.includes(run)).toSorted();
    const mark =
      unknown.length === 0
        ? ''
        : ` **Out of date:** the tables hold rows of runs it does not know: ${unknown.join(', ')}.`;
    return `${text} (Note of ${date}.)${mark}`;
  });
  const sources = [...new Set(notes.flatMap(({ runs: known }) => known))].toSorted();
  return ['Notes, written by hand:', bullets(lines), `The notes were written from these runs: ${sources.join(', ')}.`];
}

const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

function renderContest({ contest, judged, entries }: JudgedContest): string {
  return [
    `## ${contest.model}, ${contest.task}`,
    markdownTable(['expected', 'why', 'difference', 'by seed', 'verdict'], judged.map(relationCells)),
    entryTable(
      entries,
      judged.some(({ shape }) => shape !== undefined),
    ),
  ].join('\n\n');
}

function relationCells(each: JudgedRelation): readonly string[] {
  const { relation, judgement } = each;
  const names = [nameOfRelation(each), relation.reason];
  if (typeof judgement === 'string') return [...names, '—', '—', `not measured: ${judgement}`];
  const [digits, unit] = (relation.metric ?? 'quality') === 'quality' ? [4, ''] : [3, '×'];
  return [
    ...names,
    formatEstimate(judgement.estimate, digits) + unit,
    judgement.bySeed.map((value) => value.toFixed(digits)).join(' · '),
    VERDICT_WORDS[judgement.verdict] + (judgement.about === 'these artifacts' ? ' (1 seed)' : ''),
  ];
}

/** @param timed with the columns that relations of latency and size stand on. */
function entryTable(entries: readonly BoardEntry[], timed: boolean): string {
  const shapes = timed ? [...new Set(entries.flatMap(({ latency }) => latency.map(({ shape }) => shape)))] : [];
  const rows = entries.map(({ method, variant, quality, size, ratio, cost, latency }) => [
    `${method}/${variant}`,
    quality ? formatQualityEstimate(quality) : '—',
    size ? formatBytes(size.zstdBytes) : '—',
    ratio === null ? '—' : `${ratio.toFixed(2)}×`,
    ...(timed ? [size ? formatBytes(size.fileBytes) : '—'] : []),
    ...shapes.map((shape) => speedUpAt(latency, shape)),
    cost ? formatSeconds(cost.cpuSeconds) : '—',
    cost ? formatBytes(cost.peakMemoryBytes) : '—',
  ]);
  const titles = [
    'entry',
    entries.find(({ quality }) => quality !== null)?.quality?.metric ?? 'quality',
    'as shipped',
    'smaller',
    ...(timed ? ['ONNX file'] : []),
    ...shapes.map((shape) => `speed-up ${shape}`),
    'compression, processor time',
    'compression, peak memory',
  ];
  return markdownTable(titles, rows);
}

function speedUpAt(latency: BoardEntry['latency'], shape: string): string {
  const found = latency.find((each) => each.shape === shape);
  return found === undefined ? '—' : `${formatEstimate(found.speedUp, 2)}${found.noisy ? ' (noisy)' : ''}`;
}
