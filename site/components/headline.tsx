/** High-cost against low-cost at equal size in each weight class, as a sentence and as two marks on one scale. */
import type { HeadlineView, BoardView, BoardRow } from '../lib/board-view.ts';
import { NONE, formatBytes, formatQuality, formatRatio } from '../lib/format.ts';
import { costOf, curvesSentence, verdictDetail, verdictSentence } from '../lib/headline-words.ts';
import { metricWords, pairedInterval } from '../lib/metric.ts';
import { paths } from '../lib/paths.ts';
import { qualityScale } from '../lib/quality-scale.ts';
import { MARK_PATHS, Mark, type MarkKind } from './mark.tsx';
import { Name } from './name.tsx';
import { SiteLink } from './site-link.tsx';

export function Headline({ view }: { readonly view: BoardView }) {
  const lines = view.headline.filter(({ verdict }) => verdict !== 'empty');
  if (lines.length === 0) {
    return (
      <div className="empty">
        <h2>No answer yet</h2>
        <p>No scored variant of this board is at least twice as small as dense yet.</p>
      </div>
    );
  }
  const shown = lines.flatMap(({ lowCost, highCost }) => [lowCost, highCost]).filter((row) => row !== null);
  const scale = qualityScale(view, shown);
  const empty = view.headline.filter(({ verdict }) => verdict === 'empty').map(({ weightClass }) => `${weightClass}×`);
  return (
    <>
      <ol className="headline">
        {lines.map((line) => (
          <li key={line.weightClass}>
            <h3 className="weight-class">
              <span className="number">{line.weightClass}×</span> <small>{classWords(line.weightClass, view)}</small>
            </h3>
            <div className="verdict">
              <p className="verdict-sentence">{verdictSentence(line, view)}</p>
              <p className="small quiet">{verdictDetail(line, view)}</p>
            </div>
            <div className="pair">
              <Side kind="low-cost" line={line} view={view} />
              <Side kind="high-cost" line={line} view={view} />
              <PairPlot line={line} view={view} toShare={scale.toShare} />
            </div>
          </li>
        ))}
      </ol>
      <p className="small quiet headline-note">
        Each pair stands at equal size: who wins has no more bytes, within 5&nbsp;%. Marks:{' '}
        {metricWords(view.metric).title}
        {view.denseQuality !== null && ', with the 95\u00a0% interval of the difference from dense, the dashed line'};
        all on one scale, right is better.
      </p>
      {view.betweenCurves && <p className="small">{curvesSentence(view.betweenCurves, view)}</p>}
      {empty.length > 0 && <p className="small quiet">No scored variant is {empty.join(' or ')} smaller yet.</p>}
    </>
  );
}

function classWords(weightClass: number, { weightClasses }: BoardView): string {
  const next = weightClasses.find((each) => each > weightClass);
  return next === undefined ? 'smaller and more' : `to ${next}× smaller`;
}

function Side(props: {
  readonly kind: 'low-cost' | 'high-cost';
  readonly line: HeadlineView;
  readonly view: BoardView;
}) {
  const { kind, line, view } = props;
  const low = kind === 'low-cost';
  const [title, row, tied] = low
    ? ['Low-cost', line.lowCost, line.lowCostTied]
    : ['High-cost', line.highCost, line.highCostTied];
  return (
    <div className={`side ${kind}`}>
      <p className="side-title">
        <Mark kind={kind} /> {title}
      </p>
      {row ? (
        <>
          <p className="side-name">
            <SiteLink href={paths.method(row.methodSlug)}>
              <Name text={row.id} />
            </SiteLink>
          </p>
          <p className="side-figures number">
            <strong>{row.quality ? formatQuality(view.metric, row.quality.value) : NONE}</strong>
            <span>{row.zstdBytes === null ? NONE : formatBytes(row.zstdBytes)}</span>
            <span>{row.ratio === null ? NONE : `${formatRatio(row.ratio)} smaller`}</span>
            <span>{costOf(row) === null ? NONE : `${costOf(row)} compute`}</span>
          </p>
          {tied > 0 && <p className="small quiet">or {tied} more, as small, that no test separates from it</p>}
        </>
      ) : (
        <p className="quiet">none yet</p>
      )}
    </div>
  );
}

/** The best entry of each cost class with its interval, on one scale for all weight classes; right is better. */
function PairPlot(props: {
  readonly line: HeadlineView;
  readonly view: BoardView;
  readonly toShare: (value: number) => number;
}) {
  const { line, view, toShare } = props;
  const at = (value: number) => `${(Math.min(1, Math.max(0, toShare(value))) * 100).toFixed(1)}%`;
  const sides: readonly { readonly kind: MarkKind; readonly row: BoardRow | null; readonly y: number }[] = [
    { kind: 'low-cost', row: line.lowCost, y: 12 },
    { kind: 'high-cost', row: line.highCost, y: 30 },
  ];
  return (
    <svg className="pair-plot" width="100%" height="42" aria-hidden="true">
      <line className="axis" x1="0" x2="100%" y1="41" y2="41" />
      {view.denseQuality !== null && (
        <line className="dense-line" x1={at(view.denseQuality)} x2={at(view.denseQuality)} y1="0" y2="41" />
      )}
      {sides.map(({ kind, row, y }) => {
        const interval = row && pairedInterval(row, view);
        return (
          row?.quality && (
            <g key={kind} className={kind}>
              {interval && <line className="interval" x1={at(interval.low)} x2={at(interval.high)} y1={y} y2={y} />}
              <svg x={at(row.quality.value)} y={y} overflow="visible">
                <MarkPath kind={kind} />
              </svg>
            </g>
          )
        );
      })}
    </svg>
  );
}

function MarkPath({ kind }: { readonly kind: MarkKind }) {
  return <path className={`mark ${kind}`} d={MARK_PATHS[kind]} />;
}
