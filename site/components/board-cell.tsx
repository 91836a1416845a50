/** How each column of the leaderboard looks. */
import type { ReactNode } from 'react';
import type { BoardRow, BoardView } from '../lib/board-view.ts';
import { scoreOf, type Weights } from '../lib/columns.ts';
import {
  NONE,
  STATUS_WORDS,
  formatBytes,
  formatCost,
  formatCount,
  formatDay,
  formatFigure,
  formatGap,
  formatGapInterval,
  formatMilliseconds,
  formatQuality,
  formatRatio,
  formatSeconds,
  formatShare,
} from '../lib/format.ts';
import { pairedInterval } from '../lib/metric.ts';
import { paths } from '../lib/paths.ts';
import type { QualityScale } from '../lib/quality-scale.ts';
import { visibleText } from '../lib/visible-text.ts';
import { Badges } from './badges.tsx';
import { Mark, markKind } from './mark.tsx';
import { Name } from './name.tsx';
import { SiteLink } from './site-link.tsx';
import { Whisker } from './whisker.tsx';
import { formatRank } from '../../contracts/words/board.ts';
import { firstLine } from '../../contracts/words/text.ts';

export interface CellContext {
  readonly view: BoardView;
  readonly scale: QualityScale;
  readonly weights: Weights;
}

/** "~" to the eye, "noisy timing" to a screen reader. */
function NoisyMark() {
  return (
    <>
      <span aria-hidden="true">~</span>
      <span className="hidden">noisy timing, about </span>
    </>
  );
}

/** The part of a column's id that names a shape. */
const OF_SHAPE = /^(speed|time)-(.*)$/;

export function BoardCell(props: { readonly column: string; readonly row: BoardRow; readonly context: CellContext }) {
  const { column, row, context } = props;
  const [, kind, shape] = OF_SHAPE.exec(column) ?? [];
  if (kind) {
    const speed = row.speeds[context.view.shapes.findIndex((each) => each.shape === shape)];
    if (!speed) return NONE;
    if (kind === 'time') return formatMilliseconds(speed.p50Ms);
    return (
      <>
        {speed.noisy && <NoisyMark />}
        {formatRatio(speed.value)}
        <small>
          [{speed.low.toFixed(2)}, {speed.high.toFixed(2)}]
        </small>
      </>
    );
  }
  return CELLS[column]?.(row, context) ?? NONE;
}

function orNone<T>(value: T | null, shown: (value: T) => ReactNode): ReactNode {
  return value === null ? NONE : shown(value);
}

function besideOf(row: BoardRow, view: BoardView, scale: QualityScale): ReactNode {
  const interval = pairedInterval(row, view);
  return (
    interval && (
      <Whisker estimate={interval} scale={scale.toShare} dense={view.denseQuality} kind={markKind(row, view.dense)} />
    )
  );
}

const CELLS: Readonly<Record<string, (row: BoardRow, context: CellContext) => ReactNode>> = {
  method: (row, { view }) => (
    <div className="variant">
      <Mark kind={markKind(row, view.dense)} simulated={row.simulated} />
      <div>
        <SiteLink className="variant-name" href={row.key ? paths.result(row.key) : paths.method(row.methodSlug)}>
          <Name text={row.method} />/<Name text={row.variant} />
        </SiteLink>
        <span className="variant-facts">
          <span className="variant-kind">
            {row.control ? 'control' : row.family}
            {!row.control && (
              <>
                {' '}
                · <span>{row.costClass}</span>
              </>
            )}
          </span>
          <Badges badges={row.badges.filter(({ id }) => id !== 'control')} />
        </span>
        {row.status !== 'completed' && (
          <span className="failure">
            {row.status === 'unfinished' ? 'not scored on this task yet' : STATUS_WORDS[row.status]}
            {row.reason && (
              <>
                : <bdi>{shortReason(row.reason)}</bdi>
              </>
            )}
          </span>
        )}
      </div>
    </div>
  ),
  rank: ({ rank }) =>
    orNone(rank, (found) => (
      <span className={found.best === 1 ? 'rank rank-first' : 'rank'}>
        {formatRank(found)}
        <small>of {found.of}</small>
      </span>
    )),
  quality: ({ quality }, { view }) => orNone(quality, ({ value }) => formatQuality(view.metric, value)),
  gap: (row, { view, scale }) =>
    orNone(row.gap, (gap) => (
      <span className={row.gapSignificant ? undefined : 'quiet'}>
        {formatGap(view.metric, gap.value)}
        <small>{formatGapInterval(view.metric, gap).replace(/\s(%|points)$/, '')}</small>
        {besideOf(row, view, scale)}
      </span>
    )),
  kept: ({ kept }) => orNone(kept, formatShare),
  smaller: ({ ratio }) => orNone(ratio, formatRatio),
  shipped: ({ zstdBytes }) => orNone(zstdBytes, formatBytes),
  file: ({ fileBytes }) => orNone(fileBytes, formatBytes),
  memory: ({ memoryBytes }) => orNone(memoryBytes, formatBytes),
  parameters: ({ parameters }) => orNone(parameters, formatCount),
  nonzero: ({ nonZeroParameters }) => orNone(nonZeroParameters, formatCount),
  cost: ({ computeSeconds, computeUnit }) =>
    orNone(computeSeconds, (value) => (
      <>
        {formatCost(value)}
        {computeUnit === 'accelerator' && <small>accelerator</small>}
      </>
    )),
  wall: ({ wallSeconds }) => orNone(wallSeconds, formatSeconds),
  peak: ({ peakMemoryBytes }) => orNone(peakMemoryBytes, formatBytes),
  tokens: ({ tokensSeen }) => orNone(tokensSeen, formatCount),
  steps: ({ gradientSteps }) => orNone(gradientSteps, formatCount),
  energy: ({ energyJoules }) => orNone(energyJoules, (value) => `${formatFigure(value)} J`),
  kl: ({ klDivergence }) => orNone(klDivergence, formatFigure),
  same: ({ sameTop }) => orNone(sameTop, formatShare),
  lost: ({ correctToIncorrect }) => orNone(correctToIncorrect, formatShare),
  won: ({ incorrectToCorrect }) => orNone(incorrectToCorrect, formatShare),
  worst: ({ worstSlice, worstSliceGap }, { view }) =>
    orNone(worstSlice, (slice) => (
      <>
        {worstSliceGap === null ? NONE : formatGap(view.metric, worstSliceGap)}
        <small>
          <Name text={slice} />
        </small>
      </>
    )),
  efficiency: ({ efficiency }) => orNone(efficiency, formatFigure),
  score: (row, { weights }) => orNone(scoreOf(row, weights), formatFigure),
  seeds: ({ seeds }) => seeds,
  spread: ({ seedDeviation }) => orNone(seedDeviation, formatFigure),
  measured: ({ startedAt, run }) =>
    orNone(startedAt, (at) => (
      <>
        {formatDay(at)}
        <small>
          <Name text={run ?? ''} />
        </small>
      </>
    )),
};

const REASON_LENGTH = 140;

function shortReason(reason: string): string {
  const line = visibleText(firstLine(reason));
  return line.length > REASON_LENGTH ? `${line.slice(0, REASON_LENGTH)}…` : line;
}
