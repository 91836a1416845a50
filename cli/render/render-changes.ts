/** What a run changed, as Markdown: for the report of a nightly run and for the terminal. */
import type { FigureChange, RunChanges, StatusChange } from '../../board/derive/run-changes.ts';
import { markdownTable } from './markdown-table.ts';

export function renderChanges(changes: RunChanges): string[] {
  const { run, rows, better, worse, broke, mended, failing, fresh } = changes;
  return [
    `## What changed in ${run}`,
    '',
    `${rows} rows. A change is what a test finds: of all changes reported for a figure of a board at most 5 % are false alarms on average.`,
    ...figures('Worse', worse),
    ...figures('Better', better),
    ...statuses('Broke: completed when last run', broke),
    ...statuses('Mended: failed when last run', mended),
    ...statuses('Failing, as far as is known from the start', failing),
    ...(fresh.length > 0 ? ['', `**New** (${fresh.length}): ${fresh.join(', ')}`] : []),
    ...([better, worse, broke, mended, failing, fresh].every((list) => list.length === 0)
      ? ['', 'Nothing changed.']
      : []),
  ];
}

function figures(title: string, changes: readonly FigureChange[]): string[] {
  if (changes.length === 0) return [];
  const rows = changes.map(({ board, name, figure, before, after, qValue, pValue, sinceRun }) => [
    name,
    figure,
    before.toPrecision(4),
    after.toPrecision(4),
    qValue === null ? (pValue === null ? 'exact' : `p ${pValue.toFixed(4)}`) : `q ${qValue.toFixed(4)}`,
    sinceRun,
    board,
  ]);
  return [
    '',
    `**${title}** (${changes.length})`,
    '',
    markdownTable(['variant', 'figure', 'before', 'after', 'test', 'since', 'board'], rows),
  ];
}

function statuses(title: string, changes: readonly StatusChange[]): string[] {
  if (changes.length === 0) return [];
  const line = ({ name, status, reason }: StatusChange) =>
    `- ${name}: ${status}${reason === null ? '' : `: ${reason.split('\n')[0]}`}`;
  return ['', `**${title}** (${changes.length})`, '', ...changes.map(line)];
}
