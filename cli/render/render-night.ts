/** The report of a nightly run, as Markdown. */
import { formatSeconds } from '../../contracts/words/figures.ts';
import { markdownTable } from './markdown-table.ts';
import type { NightSummary } from '../setup/nightly-run.ts';
import { renderChanges } from './render-changes.ts';

export function renderNight({ suite, again, verdicts, drift, changes, exported }: NightSummary): string {
  const drifted = drift.filter(({ differences }) => differences.length > 0);
  return [
    `# Nightly run ${suite.run}`,
    '',
    `- ${suite.planned} variants planned, ${suite.alreadyDone} in the store already, ${suite.recorded} rows in ${formatSeconds(suite.wallSeconds)}`,
    again
      ? `- measured again: ${again.planned} variants, ${again.recorded} rows (${again.run})`
      : '- measured again: none',
    ...[...suite.undone, ...(again?.undone ?? [])].map(({ name, reason }) => `- not done: ${name}: ${reason}`),
    ...exported.map(({ path, rows }) => `- published: ${path}, ${rows} rows`),
    ...verdicts.flatMap(({ run, findings, rejected }) => [
      '',
      `## Dense in ${run}: ${rejected ? '**rejected**' : 'accepted'}`,
      '',
      markdownTable(
        ['contest', 'what', 'state', 'found'],
        findings.map(({ place, kind, state, text }) => [place, kind, state, text]),
      ),
      ...(rejected ? ['', 'Its rows are withdrawn and not published; the next run measures their keys again.'] : []),
    ]),
    '',
    `## Drift: ${drift.length === 0 ? 'not checked' : `${drifted.length} of ${drift.length} differ`}`,
    ...drifted.flatMap(({ name, differences }) => ['', ...differences.map((difference) => `- ${name}: ${difference}`)]),
    ...changes.flatMap((each) => ['', ...renderChanges(each)]),
    '',
  ].join('\n');
}
