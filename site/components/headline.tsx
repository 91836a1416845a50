/** High-cost against low-cost in each weight class, as a sentence and as two marks on one scale. */
import type { HeadlineView, BoardView, BoardRow } from '../lib/board-view.ts';
import {
  NONE,
  formatBytes,
  formatGap,
  formatGapInterval,
  formatPlainGap,
  formatQuality,
  formatRatio,
  formatSeconds,
  formatTimes,
} from '../lib/format.ts';
import { metricWords } from '../lib/metric.ts';
import { paths } from '../lib/paths.ts';
import { qualityScale } from '../lib/quality-scale.ts';
import { MARK_PATHS, Mark, type MarkKind } from './mark.tsx';
import { Name } from './name.tsx';
import { SiteLink } from './site-link.tsx';
import { capitalized } from '../../contracts/words/text.ts';

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
              {line.equalSize && (
                <p className="small quiet">
                  At no more bytes:{' '}
                  <SiteLink href={paths.method(line.equalSize.lowCost.methodSlug)}>
                    <Name text={line.equalSize.lowCost.id} />
                  </SiteLink>
                  , {equalSizeDetail(line.equalSize, view)}
                </p>
              )}
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
        Marks: {metricWords(view.metric).title} with its 95&nbsp;% interval, all on one scale, right is better
        {view.denseQuality !== null && '; the dashed line is dense'}.
      </p>
      {empty.length > 0 && <p className="small quiet">No scored variant is {empty.join(' or ')} smaller yet.</p>}
    </>
  );
}

function classWords(weightClass: number, { weightClasses }: BoardView): string {
  const next = weightClasses.find((each) => each > weightClass);
  return next === undefined ? 'smaller and more' : `to ${next}× smaller`;
}

/** "84 times the compute for 5.3 % lower perplexity." */
export function verdictSentence(line: HeadlineView, view: Pick<BoardView, 'metric' | 'higherIsBetter'>): string {
  const words = metricWords(view.metric);
  const price = priceOf(line);
  switch (line.verdict) {
    case 'high-cost better':
      return `${price} for ${amount(line, view)} ${words.better} ${words.title}.`;
    case 'low-cost better':
      return `${price}, and ${amount(line, view)} ${words.worse} ${words.title}: training loses.`;
    case 'undecided':
      return `${price}, and no difference that a test can tell from chance.`;
    case 'only low-cost':
      return 'Only methods that look have reached this size.';
    case 'only high-cost':
      return 'Only methods that train have reached this size.';
    case 'empty':
      return 'Nothing this small yet.';
  }
}

function priceOf({ computeRatio, wallRatio }: HeadlineView): string {
  const text =
    computeRatio !== null
      ? `${formatTimes(computeRatio)} the compute`
      : wallRatio !== null
        ? `${formatTimes(wallRatio)} the time`
        : 'Training, at a cost not measured,';
  return capitalized(text);
}

/** The size of the difference without a sign; the sentence says which way it goes. */
function amount({ gap }: HeadlineView, { metric }: Pick<BoardView, 'metric'>): string {
  return gap ? formatPlainGap(metric, gap.value) : '';
}

function verdictDetail(line: HeadlineView, view: BoardView): string {
  if (!line.gap) return '';
  const words = metricWords(view.metric);
  return `Gap in ${words.title} ${formatGap(view.metric, line.gap.value)} ${formatGapInterval(view.metric, line.gap)}, 95\u00a0% interval, paired by test item.`;
}

/** The gap to the best low-cost entry that is no larger. */
function equalSizeDetail(
  { gap, significant, lowCost }: NonNullable<HeadlineView['equalSize']>,
  view: BoardView,
): string {
  const bytes = lowCost.zstdBytes === null ? '' : `${formatBytes(lowCost.zstdBytes)}; `;
  const doubt = significant ? '' : ', which a test cannot tell from none';
  return `${bytes}gap ${formatGap(view.metric, gap.value)} ${formatGapInterval(view.metric, gap)}${doubt}.`;
}

function Side(props: {
  readonly kind: 'low-cost' | 'high-cost';
  readonly line: HeadlineView;
  readonly view: BoardView;
}) {
  const { kind, line, view } = props;
  const low = kind === 'low-cost';
  const [title, row, tied] = low
    ? ['Best low-cost', line.lowCost, line.lowCostTied]
    : ['Best high-cost', line.highCost, line.highCostTied];
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
            <span>{costWords(row, line)}</span>
          </p>
          {tied > 0 && <p className="small quiet">or {tied} more that the test cannot separate from it</p>}
        </>
      ) : (
        <p className="quiet">none yet</p>
      )}
    </div>
  );
}

/** The figure that the sentence beside it compares. */
function costWords({ computeSeconds, wallSeconds }: BoardRow, { computeRatio }: HeadlineView): string {
  if (computeRatio !== null && computeSeconds !== null) return `${formatSeconds(computeSeconds)} compute`;
  return wallSeconds === null ? NONE : `${formatSeconds(wallSeconds)} to make`;
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
      {sides.map(
        ({ kind, row, y }) =>
          row?.quality && (
            <g key={kind} className={kind}>
              <line className="interval" x1={at(row.quality.low)} x2={at(row.quality.high)} y1={y} y2={y} />
              <svg x={at(row.quality.value)} y={y} overflow="visible">
                <MarkPath kind={kind} />
              </svg>
            </g>
          ),
      )}
    </svg>
  );
}

function MarkPath({ kind }: { readonly kind: MarkKind }) {
  return <path className={`mark ${kind}`} d={MARK_PATHS[kind]} />;
}
