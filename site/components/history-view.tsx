'use client';
/** One figure of one variant over its runs, chosen by the query: ?of=slug&figure=quality. */
import { scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';
import type { History, HistoryPoint } from '../../drizzle/queries.ts';
import { apiPaths } from '../lib/api-paths.ts';
import type { BoardChoice, BoardView } from '../lib/board-view.ts';
import {
  formatBytes,
  formatDay,
  formatFigure,
  formatQuality,
  formatRatio,
  formatSeconds,
  plural,
} from '../lib/format.ts';
import { metricWords } from '../lib/metric.ts';
import { stretches } from '../lib/stretches.ts';
import { useAddress, useReady } from '../lib/use-address.ts';
import { useJson } from '../lib/use-json.ts';
import { visibleText } from '../lib/visible-text.ts';
import { BoardPicker, Select } from './board-filters.tsx';
import { MissingBoard, useChosenBoard } from './board.tsx';
import { present } from '../../contracts/present.ts';

const HEIGHT = 240;

interface Figure {
  readonly id: string;
  readonly title: string;
  /** The figure's name in the list of changes. */
  readonly changes: string;
  readonly value: (
    point: HistoryPoint,
  ) => { readonly value: number; readonly low: number; readonly high: number } | null;
  /** What the value is a mean over. */
  readonly seeds: (point: HistoryPoint) => readonly number[];
  readonly format: (value: number) => string;
}

function figuresOf(view: BoardView): readonly Figure[] {
  const exact = (value: number | null) => (value === null ? null : { value, low: value, high: value });
  return [
    {
      id: 'quality',
      title: metricWords(view.metric).title,
      changes: 'quality',
      value: ({ quality }) => quality,
      seeds: ({ scoredSeeds }) => scoredSeeds,
      format: (value) => formatQuality(view.metric, value),
    },
    {
      id: 'size',
      title: 'bytes as shipped',
      changes: 'size',
      value: ({ zstdBytes }) => exact(zstdBytes),
      seeds: ({ completedSeeds }) => completedSeeds,
      format: formatBytes,
    },
    ...view.shapes.map(({ shape, name }): Figure => ({
      id: `speed-${shape}`,
      title: `speed, ${name}`,
      changes: `speed-up ${shape}`,
      value: ({ speedUps }) => speedUps.find((each) => each.shape === shape)?.estimate ?? null,
      seeds: ({ completedSeeds }) => completedSeeds,
      format: formatRatio,
    })),
    {
      id: 'cost',
      title: 'wall time of compressing',
      changes: 'compression cost',
      value: ({ wallSeconds }) => exact(wallSeconds),
      seeds: ({ completedSeeds }) => completedSeeds,
      format: formatSeconds,
    },
  ];
}

export function HistoryView(props: {
  readonly choices: readonly BoardChoice[];
  readonly initial: BoardView;
  /** Slug of the variant shown by default. */
  readonly start: string | null;
}) {
  const { choices, initial, start } = props;
  const address = useAddress();
  const [query, change] = address;
  const ready = useReady();
  const { current, view, missing, isWanted } = useChosenBoard(choices, initial, query);
  const rows = view.rows.filter(({ quality }) => quality);
  const row = rows.find(({ slug }) => slug === (query.get('of') ?? start)) ?? rows[0];
  const figures = figuresOf(view);
  const figure = figures.find(({ id }) => id === query.get('figure')) ?? present(figures[0], 'a figure to show');
  const fetched = useJson<History>(ready && isWanted && row ? apiPaths.history(view.id, row.slug) : null);
  return (
    <>
      <BoardPicker choices={choices} current={current} address={address} />
      <MissingBoard missing={missing} />
      <div className="fields history-fields">
        <Select
          label="Variant"
          value={row?.slug ?? ''}
          options={rows.map(({ slug, id }) => ({ value: slug, title: id }))}
          onChange={(of) => change({ of })}
          disabled={!ready}
        />
        <Select
          label="Figure"
          value={figure.id}
          options={figures.map(({ id, title }) => ({ value: id, title }))}
          onChange={(id) => change({ figure: id })}
          disabled={!ready}
        />
      </div>
      {fetched.state === 'loaded' ? (
        <HistoryPlot history={fetched.value} figure={figure} />
      ) : fetched.state === 'failed' ? (
        <p className="notice" role="alert">
          {fetched.missing ? 'This variant has no history yet.' : `It could not be fetched: ${fetched.message}`}
        </p>
      ) : (
        <p className="quiet" role="status">
          {ready ? 'Fetching …' : 'The plot takes JavaScript; the changes above and the API do not.'}
        </p>
      )}
    </>
  );
}

function HistoryPlot({ history, figure }: { readonly history: History; readonly figure: Figure }) {
  const points = history.points.flatMap((point, index) => {
    const value = figure.value(point);
    return value ? [{ point, index, ...value }] : [];
  });
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return <p className="quiet">No run has this figure.</p>;
  const low = Math.min(...points.map((each) => each.low));
  const high = Math.max(...points.map((each) => each.high));
  const room = (high - low) * 0.1 || Math.abs(high) * 0.05 || 1;
  const up = scaleLinear([low - room, high + room], [HEIGHT, 0]);
  const across = (index: number) => (history.points.length === 1 ? 50 : 4 + (92 * index) / (history.points.length - 1));
  const draw = line<(typeof points)[number]>(
    ({ index }) => across(index),
    ({ value }) => up(value),
  ).digits(2);
  // Means over other seeds differ without any change.
  const paths = stretches(points, (a, b) => figure.seeds(a.point).join() === figure.seeds(b.point).join()).map(
    (stretch) => draw(stretch) ?? '',
  );
  const changes = history.changes.filter((each) => each.figure === figure.changes);
  const every = Math.ceil(history.points.length / 8);
  return (
    <figure className="plot-figure">
      <div className="plot">
        <svg
          width="100%"
          height={HEIGHT}
          role="img"
          aria-label={`${visibleText(history.id)}, ${figure.title} over ${plural(points.length, 'run')}: from ${figure.format(first.value)} to ${figure.format(last.value)}`}
        >
          <g className="grid">
            {up.ticks(5).map((tick) => (
              <g key={tick}>
                <line x1="0" x2="100%" y1={up(tick)} y2={up(tick)} />
                <text x="-8" y={up(tick)} dy="0.32em" textAnchor="end">
                  {figure.format(tick)}
                </text>
              </g>
            ))}
            {history.points.map((point, index) =>
              index % every === 0 ? (
                <text key={point.run + point.code} x={`${across(index)}%`} y={HEIGHT + 18} textAnchor="middle">
                  {formatDay(point.startedAt)}
                </text>
              ) : null,
            )}
          </g>
          {changes.map(({ at }) => (
            <line
              key={at}
              className="change"
              x1={`${across(at - 0.5)}%`}
              x2={`${across(at - 0.5)}%`}
              y1="0"
              y2={HEIGHT}
            />
          ))}
          <svg viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" width="100%" height={HEIGHT} overflow="visible">
            {paths.map((path) => (
              <path key={path} className="curve low-cost" d={path} />
            ))}
          </svg>
          {points.map(({ index, point, value, low: from, high: to }) => (
            <g key={point.run + point.code} className="intervals">
              <line className="low-cost" x1={`${across(index)}%`} x2={`${across(index)}%`} y1={up(from)} y2={up(to)} />
              <circle className="history-point" cx={`${across(index)}%`} cy={up(value)} r="4">
                <title>{`${formatDay(point.startedAt)}: ${figure.format(value)}`}</title>
              </circle>
            </g>
          ))}
        </svg>
      </div>
      <figcaption className="small quiet">
        {plural(points.length, 'run')}, oldest first.{' '}
        {paths.length > 1 && 'The line is broken where the mean is over other seeds. '}
        {changes.length === 0
          ? points.length < 2
            ? 'A change takes at least two.'
            : 'No change found.'
          : changes
              .map((each) => `Change to ${figure.format(each.after)} from ${formatFigure(each.before)}.`)
              .join(' ')}
      </figcaption>
    </figure>
  );
}
