/** A study as a Markdown page: the question, a verdict on each relation, and every entry with its quality and cost. */
import type { BoardEntry } from '../../drizzle/queries.ts';
import type { Metric } from '../../contracts/dataset.ts';
import type { Expectation, Judgement, Verdict } from '../../numerics/statistics/judge-relation.ts';
import { formatBytes, formatEstimate, formatSeconds } from '../../contracts/words/figures.ts';
import { markdownTable } from './markdown-table.ts';
import { formatQualityEstimate } from '../../contracts/words/metric.ts';
import type { Relation, RelationMetric, Study, StudyPlace } from '../../studies/index.ts';

export interface JudgedRelation {
  readonly relation: Relation;
  /** A text says why there is none. */
  readonly judgement: Judgement | string;
  /** Of a relation of latency, the shape it is judged at. */
  readonly shape?: string;
}

export interface JudgedPlace {
  readonly place: StudyPlace;
  readonly judged: readonly JudgedRelation[];
  /** Those the relations name, and dense. */
  readonly entries: readonly BoardEntry[];
}

const WORDS: Readonly<Record<Verdict, string>> = { holds: 'holds', undecided: '**undecided**', fails: '**fails**' };

const EXPECTED: Readonly<Record<RelationMetric, Readonly<Record<Expectation, string>>>> = {
  quality: { better: 'better', 'not worse': 'not worse', 'not better': 'not better' },
  latency: { better: 'faster', 'not worse': 'not slower', 'not better': 'not faster' },
  size: { better: 'smaller', 'not worse': 'not larger', 'not better': 'not smaller' },
};

const RATIOS =
  'Of latency and size the figure is the ratio, first to second, in “×”: below 1 the first is faster or smaller, and 1 stands in ' +
  'the place of 0. Time is that of a call on one thread, by the speed-up over dense that was timed beside it, with its interval ' +
  'over rounds; size is the bytes of the ONNX file, exactly. A gain is absent (“not faster”, “not smaller”) where the interval is ' +
  'not all below 1.';

export function renderStudy(
  { id, title, question, findings, relations }: Study,
  places: readonly JudgedPlace[],
): string {
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
    ...(relations.some(({ metric = 'quality' }) => metric !== 'quality') ? [RATIOS] : []),
    ...(findings.length > 0 ? [findings.map((finding) => `- ${finding}`).join('\n')] : []),
    `Regenerate it: \`npm run shrinkrank -- study ${id}\`.`,
    ...places.map(renderPlace),
  ].join('\n\n')}\n`;
}

function renderPlace({ place, judged, entries }: JudgedPlace): string {
  const timed = judged.some(({ shape }) => shape !== undefined);
  const relations = judged.map(({ relation, judgement, shape }) => {
    const { first, second, expected, reason, metric = 'quality' } = relation;
    const at = shape === undefined ? '' : ` at ${shape}`;
    const expectation = `${first} ${EXPECTED[metric][expected]} than ${second}${at}`;
    const unit = metric === 'quality' ? '' : '×';
    return typeof judgement === 'string'
      ? [expectation, reason, '—', '—', `not measured: ${judgement}`]
      : [
          expectation,
          reason,
          formatEstimate(judgement.estimate, unit === '' ? 4 : 3) + unit,
          judgement.bySeed.map((value) => value.toFixed(unit === '' ? 4 : 3)).join(' · '),
          WORDS[judgement.verdict],
        ];
  });
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
  const metric: Metric | undefined = entries[0]?.quality?.metric;
  return [
    `## ${place.model}, ${place.task}`,
    markdownTable(['expected', 'why', 'difference', 'by seed', 'verdict'], relations),
    markdownTable(
      [
        'entry',
        metric ?? 'quality',
        'as shipped',
        'smaller',
        ...(timed ? ['ONNX file'] : []),
        ...shapes.map((shape) => `speed-up ${shape}`),
        'compression, processor time',
        'its peak memory',
      ],
      rows,
    ),
  ].join('\n\n');
}

function speedUpAt(latency: BoardEntry['latency'], shape: string): string {
  const found = latency.find((each) => each.shape === shape);
  return found === undefined ? '—' : `${formatEstimate(found.speedUp, 2)}${found.noisy ? ' (noisy)' : ''}`;
}
