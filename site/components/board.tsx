'use client';
/**
 * A board as the page's address describes it: model, task, runner, filters, order, columns. The server renders one
 * board; others are fetched when chosen.
 */
import { useDeferredValue, useMemo } from 'react';
import type { BoardChoice, BoardView } from '../lib/board-view.ts';
import { chooseBoard } from '../lib/choose-board.ts';
import { columnsOf } from '../lib/columns.ts';
import { formatDay, formatQuality, formatBytes, plural } from '../lib/format.ts';
import { metricWords } from '../lib/metric.ts';
import { paths } from '../lib/paths.ts';
import { readTableState, rowsOfView } from '../lib/table-state.ts';
import { useAddress } from '../lib/use-address.ts';
import { useJson } from '../lib/use-json.ts';
import { BadgeButton } from './badges.tsx';
import { BoardFilters, BoardPicker } from './board-filters.tsx';
import { BoardTable } from './board-table.tsx';
import { Headline } from './headline.tsx';
import { Name } from './name.tsx';
import { SiteLink } from './site-link.tsx';
import { TradeOffPlot } from './trade-off-plot.tsx';
import { present } from '../../contracts/present.ts';

export type BoardPart = 'headline' | 'plot' | 'table';

/** The chosen board; until it is fetched, the board of the page. */
export function useChosenBoard(choices: readonly BoardChoice[], initial: BoardView, address: URLSearchParams) {
  const { choice: wanted, missing } = chooseBoard(choices, initial, address);
  const id = wanted?.id ?? initial.id;
  const complete = id === initial.id && initial.rows.length === initial.total;
  const fetched = useJson<BoardView>(complete ? null : paths.boardRows(id));
  const view = fetched.state === 'loaded' ? fetched.value : initial;
  return {
    current: wanted ?? present(choices[0], 'a board to choose'),
    view,
    fetched,
    missing,
    isWanted: view.id === id,
  };
}

export function Board(props: {
  readonly choices: readonly BoardChoice[];
  readonly initial: BoardView;
  readonly parts: readonly BoardPart[];
  readonly pageSize: number;
  /** Columns and order used when the address names none. */
  readonly usual?: { readonly columns: string; readonly sort: string };
}) {
  const { choices, initial, parts, pageSize, usual } = props;
  const address = useAddress();
  const { current, view, fetched, missing, isWanted } = useChosenBoard(choices, initial, address[0]);
  const state = useMemo(() => readTableState(address[0], usual), [address, usual]);
  const rows = useMemo(() => rowsOfView(view.rows, state, columnsOf(view, state.weights)), [view, state]);
  // The table updates at once; the plot's many marks may follow a moment later.
  const drawnRows = useDeferredValue(rows);
  const waits = fetched.state === 'loading' && !isWanted;
  // The page of a huge board holds only the first rows by rank.
  const total = rows.length === view.rows.length ? view.total : rows.length;
  return (
    <div className="board-root" aria-busy={waits}>
      <BoardPicker choices={choices} current={current} address={address} />
      <MissingBoard missing={missing} />
      {fetched.state === 'failed' && (
        <p className="notice" role="alert">
          This board could not be fetched ({fetched.message}); the board of this page is shown instead. Try again later.
        </p>
      )}
      {waits && (
        <p className="notice" role="status">
          Fetching {current.model}, {current.task} …
        </p>
      )}
      <div className={waits ? 'waiting' : undefined}>
        <BoardFacts view={view} />
        {parts.includes('headline') && (
          <section className="answer" aria-labelledby="answer">
            <h2 id="answer">What training buys, by size</h2>
            <Headline view={view} />
          </section>
        )}
        <section className={parts.length > 1 ? 'section' : undefined} aria-labelledby="table">
          <div className={parts.length > 1 ? 'section-head' : 'hidden'}>
            <h2 id="table">{parts.includes('plot') ? 'Every variant' : 'Leaderboard'}</h2>
            <p>
              A rank is the best to the worst that an entry may have among its size: what no test can tell apart shares
              ranks. <SiteLink href={paths.protocol}>How it is measured</SiteLink>
            </p>
          </div>
          {parts.includes('plot') && <TradeOffPlot view={view} rows={drawnRows} address={address} />}
          <BoardFilters view={view} state={state} address={address} />
          <BoardTable {...{ view, rows, state, address, pageSize, total }} />
        </section>
      </div>
    </div>
  );
}

/** Says that the address names a model, task or runner without a board. */
export function MissingBoard({ missing }: { readonly missing: string | null }) {
  return (
    missing !== null && (
      <p className="notice" role="alert">
        No board here has <Name text={missing} />; the nearest one is shown.
      </p>
    )
  );
}

function BoardFacts({ view }: { readonly view: BoardView }) {
  const words = metricWords(view.metric);
  return (
    <p className="board-facts small quiet">
      <span>
        <SiteLink href={paths.models}>
          <Name text={view.model} />
        </SiteLink>{' '}
        on <Name text={view.task} />
      </span>
      {view.denseQuality !== null && (
        <span>
          dense: {words.title} {formatQuality(view.metric, view.denseQuality)}
          {view.denseBytes !== null && `, ${formatBytes(view.denseBytes)} as shipped`}
        </span>
      )}
      {view.chance !== null && <span>guessing gets {formatQuality(view.metric, view.chance)}</span>}
      <span>{plural(view.total, 'variant')}</span>
      <span>protocol {view.protocol}</span>
      <span>newest row {formatDay(view.newestAt)}</span>
      {view.noisyShare !== null && <span>{(100 * view.noisyShare).toFixed(0)} % of its timings noisy</span>}
      {view.inSample && (
        <span>
          <BadgeButton
            badge={{
              id: 'in-sample',
              reason: 'The model was trained on this data: good for comparing with dense, not for judging the model.',
            }}
          />
        </span>
      )}
    </p>
  );
}
