'use client';
/**
 * Quality against size, speed or cost: one mark per variant, the Pareto front of each cost class. Horizontal positions
 * are percentages, so the server's SVG fits every width without a script; the script adds tooltips, which the arrow keys
 * reach too.
 */
import { line } from 'd3-shape';
import { useId, useRef, useState, type KeyboardEvent } from 'react';
import type { BoardRow, BoardView } from '../lib/board-view.ts';
import {
  NONE,
  formatBytes,
  formatCost,
  formatGap,
  formatGapInterval,
  formatQuality,
  formatRatio,
  plural,
} from '../lib/format.ts';
import { metricWords, pairedInterval } from '../lib/metric.ts';
import { paths, siteHref } from '../lib/paths.ts';
import { plotAxes, xScale, type PlotAxis } from '../lib/plot-axis.ts';
import { qualityScale } from '../lib/quality-scale.ts';
import type { Address } from '../lib/use-address.ts';
import { useReady } from '../lib/use-address.ts';
import { visibleText } from '../lib/visible-text.ts';
import { MARK_PATHS, MARK_TITLES, Mark, markKind, type MarkKind } from './mark.tsx';
import { present } from '../../contracts/present.ts';

const HEIGHT = 400;
/** More marks would cover each other and slow the page; fronts, controls and dense are always drawn. */
const MAX_MARKS = 600;

interface Point {
  readonly row: BoardRow;
  readonly kind: MarkKind;
  /** Percent of the width. */
  readonly x: number;
  /** Pixels from the top. */
  readonly y: number;
  readonly low: number;
  readonly high: number;
  readonly beyond: boolean;
}

export function TradeOffPlot(props: {
  readonly view: BoardView;
  readonly rows: readonly BoardRow[];
  readonly address: Address;
  /** Variants drawn strongly while the rest is faint; if missing, all are drawn alike. */
  readonly highlighted?: ReadonlySet<string>;
  /** Variants of a method joined by a line, instead of the fronts. */
  readonly curves?: boolean;
}) {
  const { view, rows, highlighted, curves = false } = props;
  const [address, change] = props.address;
  const ready = useReady();
  // Radio buttons of one name are one group, and a page may have several plots.
  const axisName = useId();
  const axes = plotAxes(view);
  const axis = axes.find(({ id }) => id === address.get('x')) ?? present(axes[0], 'an axis to draw');
  const plot = layOut({ view, rows, axis });
  const words = metricWords(view.metric);
  const kinds = (['low-cost', 'high-cost', 'control', 'dense'] as const).filter((kind) =>
    plot.points.some((point) => point.kind === kind),
  );
  return (
    <figure className="plot-figure">
      <div className="plot-head">
        <fieldset className="segments" disabled={!ready}>
          <legend className="hidden">Horizontal axis</legend>
          {axes.map(({ id, name }) => (
            <label key={id}>
              <input
                type="radio"
                name={axisName}
                value={id}
                checked={id === axis.id}
                onChange={() => change({ x: id === axes[0]?.id ? null : id })}
              />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
        <ul className="legend" aria-label="Marks">
          {kinds.map((kind) => (
            <li key={kind}>
              <Mark kind={kind} /> {MARK_TITLES[kind]}
            </li>
          ))}
          {!curves && plot.fronts.length > 0 && (
            <li>
              <svg className="mark-icon" width="26" height="16" aria-hidden="true">
                <line className="front low-cost" x1="0" x2="12" y1="8" y2="8" />
                <line className="front high-cost" x1="14" x2="26" y1="8" y2="8" />
              </svg>{' '}
              best trade-offs
            </li>
          )}
        </ul>
      </div>
      {plot.points.length === 0 ? (
        <div className="empty">
          <p>Nothing to draw: no variant of this view has both a {words.title} and a figure for this axis.</p>
        </div>
      ) : (
        <PlotArea {...{ view, axis, plot, highlighted, curves, ready }} />
      )}
      <figcaption className="small quiet">
        {caption({ axis, words: `${words.title} (${words.direction})`, plot, total: rows.length })}
      </figcaption>
    </figure>
  );
}

function caption(of: {
  readonly axis: PlotAxis;
  readonly words: string;
  readonly plot: Plot;
  readonly total: number;
}): string {
  const { axis, words, plot } = of;
  const beyond = plot.points.filter((point) => point.beyond).length;
  return [
    `Up is better: ${words}. Across: ${axis.title}; ${axis.better} is better. Thin lines are 95 % intervals of the difference from dense.`,
    beyond > 0 && `${plural(beyond, 'hollow mark')} on the lower edge ${beyond === 1 ? 'is' : 'are'} worse than shown.`,
    plot.points.length < plot.drawable &&
      `${plot.points.length} of ${plot.drawable} variants are drawn: those on a front, controls, and the first by rank.`,
  ]
    .filter(Boolean)
    .join(' ');
}

interface Plot {
  readonly points: readonly Point[];
  readonly drawable: number;
  readonly fronts: readonly { readonly kind: 'low-cost' | 'high-cost'; readonly path: string }[];
  readonly curves: readonly { readonly method: string; readonly kind: MarkKind; readonly path: string }[];
  readonly xTicks: readonly { readonly at: number; readonly label: string }[];
  readonly yTicks: readonly { readonly at: number; readonly label: string }[];
  readonly chanceAt: number | null;
  readonly denseAt: number | null;
}

function layOut(of: { readonly view: BoardView; readonly rows: readonly BoardRow[]; readonly axis: PlotAxis }): Plot {
  const { view, rows, axis } = of;
  const drawable = rows.filter((row) => row.quality !== null && (axis.value(row) ?? 0) > 0);
  const fronts = view.fronts.filter(axis.front);
  const onFront = new Set(fronts.flatMap(({ entries }) => entries));
  const must = (row: BoardRow) => onFront.has(row.slug) || row.control || row.slug === view.dense;
  const drawn =
    drawable.length <= MAX_MARKS
      ? drawable
      : [...drawable.filter(must), ...drawable.filter((row) => !must(row))].slice(0, MAX_MARKS);
  const across = xScale(axis, drawn);
  const up = qualityScale(view, drawn);
  const yOf = (value: number) => round((1 - Math.min(1, Math.max(0, up.toShare(value)))) * HEIGHT);
  const points = drawn
    .map((row): Point => {
      const value = row.quality?.value ?? 0;
      const interval = pairedInterval(row, view) ?? { low: value, high: value };
      return {
        row,
        kind: markKind(row, view.dense),
        x: round(across.toPercent(axis.value(row) ?? 1)),
        y: yOf(value),
        low: yOf(interval.low),
        high: yOf(interval.high),
        beyond: up.isBeyond(value),
      };
    })
    .sort((a, b) => a.x - b.x || a.y - b.y);
  const bySlug = new Map(points.map((point) => [point.row.slug, point]));
  const draw = line<Point>(
    ({ x }) => x,
    ({ y }) => y,
  ).digits(2);
  const byMethod = Map.groupBy(points, ({ row }) => row.method);
  return {
    points,
    drawable: drawable.length,
    fronts: fronts.flatMap(({ costClass, entries }) => {
      const members = entries.flatMap((slug) => bySlug.get(slug) ?? []).sort((a, b) => a.x - b.x || a.y - b.y);
      return members.length < 2 ? [] : [{ kind: costClass, path: draw(members) ?? '' }];
    }),
    curves: [...byMethod].flatMap(([method, all]) => {
      const members = all.filter(({ beyond }) => !beyond);
      const [first] = members;
      return !first || members.length < 2 ? [] : [{ method, kind: first.kind, path: draw(members) ?? '' }];
    }),
    xTicks: across.ticks.map((tick) => ({ at: round(across.toPercent(tick)), label: axis.format(tick) })),
    yTicks: up.ticks.map((tick) => ({ at: yOf(tick), label: tickLabel(view, tick) })),
    chanceAt: view.chance === null || up.isBeyond(view.chance) ? null : yOf(view.chance),
    denseAt: view.denseQuality === null ? null : yOf(view.denseQuality),
  };
}

function tickLabel({ metric }: BoardView, tick: number): string {
  return metric === 'perplexity' || metric === null
    ? String(Number(tick.toPrecision(3)))
    : `${Math.round(tick * 100)} %`;
}

/** Rounded so that the server and the browser write the same attribute. */
function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function PlotArea(props: {
  readonly view: BoardView;
  readonly axis: PlotAxis;
  readonly plot: Plot;
  readonly highlighted?: ReadonlySet<string> | undefined;
  readonly curves: boolean;
  readonly ready: boolean;
}) {
  const { view, axis, plot, highlighted, curves, ready } = props;
  const [activeSlug, setActive] = useState<string | null>(null);
  const area = useRef<HTMLDivElement>(null);
  const { points } = plot;
  const active = points.find(({ row }) => row.slug === activeSlug) ?? null;
  // The plot is one tab stop; the arrow keys move between marks.
  const stop = active ?? points.find(({ row }) => highlighted?.has(row.slug)) ?? points[0];
  const move = (event: KeyboardEvent) => {
    const at = stop ? points.indexOf(stop) : -1;
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: -1 }[
      event.key
    ];
    if (event.key === 'Escape') return setActive(null);
    if (to === undefined) return;
    event.preventDefault();
    const next = points.at(to % points.length);
    if (!next) return;
    setActive(next.row.slug);
    area.current?.querySelector<SVGElement>(`[data-slug="${CSS.escape(next.row.slug)}"]`)?.focus();
  };
  const faint = (slug: string) => highlighted !== undefined && !highlighted.has(slug) && slug !== view.dense;
  const methods = new Set(points.filter(({ row }) => !faint(row.slug)).map(({ row }) => row.method));
  return (
    <div className="plot" ref={area} onPointerLeave={() => setActive(null)}>
      <svg
        role="group"
        aria-label={`${plural(points.length, 'variant')}: ${metricWords(view.metric).title} against ${axis.title}`}
        width="100%"
        height={HEIGHT}
        onKeyDown={move}
      >
        <g className="grid">
          {plot.yTicks.map(({ at, label }) => (
            <g key={label}>
              <line x1="0" x2="100%" y1={at} y2={at} />
              <text x="-8" y={at} dy="0.32em" textAnchor="end">
                {label}
              </text>
            </g>
          ))}
          {plot.xTicks.map(({ at, label }) => (
            <g key={label}>
              <line x1={`${at}%`} x2={`${at}%`} y1="0" y2={HEIGHT} />
              <text x={`${at}%`} y={HEIGHT + 18} textAnchor="middle">
                {label}
              </text>
            </g>
          ))}
        </g>
        {plot.denseAt !== null && (
          <g className="reference dense-reference">
            <line x1="0" x2="100%" y1={plot.denseAt} y2={plot.denseAt} />
            <text x="100%" y={plot.denseAt - 6} textAnchor="end">
              dense
            </text>
          </g>
        )}
        {plot.chanceAt !== null && (
          <g className="reference">
            <line x1="0" x2="100%" y1={plot.chanceAt} y2={plot.chanceAt} />
            <text x="100%" y={plot.chanceAt - 6} textAnchor="end">
              guessing
            </text>
          </g>
        )}
        <svg viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" width="100%" height={HEIGHT} overflow="visible">
          {curves
            ? plot.curves.map(({ method, kind, path }) => (
                <path key={method} className={`curve ${kind}${methods.has(method) ? '' : ' faint'}`} d={path} />
              ))
            : plot.fronts.map(({ kind, path }) => <path key={kind} className={`front ${kind}`} d={path} />)}
        </svg>
        <g className="intervals" aria-hidden="true">
          {points.map(({ row, kind, x, low, high, beyond }) =>
            beyond || faint(row.slug) ? null : (
              <line key={row.slug} className={kind} x1={`${x}%`} x2={`${x}%`} y1={low} y2={high} />
            ),
          )}
        </g>
        {points.map(({ row, kind, x, y, beyond }) => (
          <a
            key={row.slug}
            href={siteHref(row.key ? paths.result(row.key) : paths.method(row.methodSlug))}
            aria-label={describe(row, view)}
            data-slug={row.slug}
            tabIndex={ready ? (stop?.row.slug === row.slug ? 0 : -1) : undefined}
            onFocus={() => setActive(row.slug)}
            onBlur={() => setActive(null)}
            onPointerEnter={() => setActive(row.slug)}
          >
            <svg x={`${x}%`} y={y} overflow="visible" width="1" height="1">
              <circle className="hit" r="12" />
              <path
                className={`mark ${kind}${row.simulated || beyond ? ' simulated' : ''}${faint(row.slug) ? ' faint' : ''}`}
                d={MARK_PATHS[kind]}
              />
            </svg>
          </a>
        ))}
      </svg>
      <p className="axis-title small quiet">{axis.title} →</p>
      <div className="tooltip-anchor">{active && <Tooltip point={active} view={view} />}</div>
    </div>
  );
}

function describe(row: BoardRow, { metric }: BoardView): string {
  return [
    visibleText(row.id),
    row.quality && `${metricWords(metric).title} ${formatQuality(metric, row.quality.value)}`,
    row.ratio !== null && `${formatRatio(row.ratio)} smaller`,
    row.computeSeconds !== null && `cost ${formatCost(row.computeSeconds)}`,
  ]
    .filter(Boolean)
    .join(', ');
}

function Tooltip({ point, view }: { readonly point: Point; readonly view: BoardView }) {
  const { row, kind, x, y } = point;
  const words = metricWords(view.metric);
  const facts: readonly (readonly [string, string])[] = [
    [words.title, row.quality ? formatQuality(view.metric, row.quality.value) : NONE],
    [
      'against dense',
      row.gap ? `${formatGap(view.metric, row.gap.value)} ${formatGapInterval(view.metric, row.gap)}` : NONE,
    ],
    ['smaller', row.ratio === null ? NONE : `${formatRatio(row.ratio)}, ${formatBytes(row.zstdBytes ?? 0)}`],
    ...view.shapes.map(({ name }, i): readonly [string, string] => {
      const speed = row.speeds[i];
      return [`speed, ${name}`, speed ? `${speed.noisy ? '~' : ''}${formatRatio(speed.value)}` : NONE];
    }),
    ['cost', row.computeSeconds === null ? NONE : formatCost(row.computeSeconds)],
  ];
  const above = y > HEIGHT / 2;
  return (
    <div
      className={`tooltip ${above ? 'above' : 'below'} ${x > 50 ? 'left' : 'right'}`}
      style={{ insetInlineStart: `${x}%`, insetBlockStart: `${y}px` }}
      role="status"
    >
      <p>
        <Mark kind={kind} simulated={row.simulated} /> <bdi>{visibleText(row.id)}</bdi>
      </p>
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
