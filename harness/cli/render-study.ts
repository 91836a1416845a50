/** A study as a Markdown page: the question, a verdict on each relation, and every entry with its quality and cost. */
import type { BoardEntry } from '../../drizzle/queries.ts';
import type { Metric } from '../contracts/dataset.ts';
import type { Judgement, Verdict } from '../evaluate/judge-relation.ts';
import { formatBytes, formatEstimate, formatSeconds } from './format.ts';
import { markdownTable } from './markdown-table.ts';
import { formatQuality } from './metric-words.ts';
import type { Relation, Study, StudyPlace } from './studies.ts';

export interface JudgedRelation {
  readonly relation: Relation;
  /** A text says why there is none. */
  readonly judgement: Judgement | string;
}

export interface JudgedPlace {
  readonly place: StudyPlace;
  readonly judged: readonly JudgedRelation[];
  /** Those the relations name, and dense. */
  readonly entries: readonly BoardEntry[];
}

const WORDS: Readonly<Record<Verdict, string>> = { holds: 'holds', undecided: '**undecided**', fails: '**fails**' };

export function renderStudy({ id, title, question, findings }: Study, places: readonly JudgedPlace[]): string {
  const judgements = places
    .flatMap(({ judged }) => judged.map(({ judgement }) => judgement))
    .filter((judgement) => typeof judgement !== 'string');
  const count = (wanted: Verdict): number => judgements.filter(({ verdict }) => verdict === wanted).length;
  const seeds = Math.max(0, ...judgements.map(({ bySeed }) => bySeed.length));
  return `${[
    `# ${title}`,
    question,
    `**Of ${judgements.length} relations measured ${count('holds')} hold, ${count('undecided')} are undecided and ${count('fails')} fail.** ` +
      'A difference is that of the loss of the right outcome, in nats per decision, first minus second, on the same test items, ' +
      `averaged over up to ${seeds} seeds, with its 95 % interval over items; below 0 the first is better. “Better” holds where the ` +
      'interval lies below 0 and every seed agrees, “not worse” fails where it lies above 0.',
    ...(findings.length > 0 ? [findings.map((finding) => `- ${finding}`).join('\n')] : []),
    `Regenerate it: \`npm run shrinkrank -- study ${id}\`.`,
    ...places.map(renderPlace),
  ].join('\n\n')}\n`;
}

function renderPlace({ place, judged, entries }: JudgedPlace): string {
  const relations = judged.map(({ relation, judgement }) => {
    const { first, second, expected, reason } = relation;
    const expectation = `${first} ${expected} than ${second}`;
    return typeof judgement === 'string'
      ? [expectation, reason, '—', '—', `not measured: ${judgement}`]
      : [
          expectation,
          reason,
          formatEstimate(judgement.difference, 4),
          judgement.bySeed.map((value) => value.toFixed(4)).join(' · '),
          WORDS[judgement.verdict],
        ];
  });
  const rows = entries.map(({ method, variant, quality, size, ratio, cost }) => [
    `${method}/${variant}`,
    quality ? formatQuality(quality) : '—',
    size ? formatBytes(size.zstdBytes) : '—',
    ratio === null ? '—' : `${ratio.toFixed(2)}×`,
    cost ? formatSeconds(cost.cpuSeconds) : '—',
    cost ? formatBytes(cost.peakMemoryBytes) : '—',
  ]);
  const metric: Metric | undefined = entries[0]?.quality?.metric;
  return [
    `## ${place.model}, ${place.task}`,
    markdownTable(['expected', 'why', 'difference', 'by seed', 'verdict'], relations),
    markdownTable(
      ['entry', metric ?? 'quality', 'as shipped', 'smaller', 'compression, processor time', 'its peak memory'],
      rows,
    ),
  ].join('\n\n');
}
