'use client';
/** Two to six variants of a board side by side. The address names them: ?of=slug,slug. */
import { useEffect, useId, useMemo, useState } from 'react';
import type { Comparisons } from '../../drizzle/queries.ts';
import { apiPaths } from '../lib/api-paths.ts';
import type { BoardChoice, BoardRow, BoardView } from '../lib/board-view.ts';
import { MAX_COMPARED, bestOf, comparedOf, typedVariant } from '../lib/compared.ts';
import { EVEN_WEIGHTS, columnsOf } from '../lib/columns.ts';
import { formatFigure, formatGap, formatGapInterval } from '../lib/format.ts';
import { lossOf, metricWords } from '../lib/metric.ts';
import { shownDifference } from '../../contracts/words/metric.ts';
import { qualityDifference } from '../lib/paired-differences.ts';
import { qualityScale } from '../lib/quality-scale.ts';
import { useAddress, useReady, type Address } from '../lib/use-address.ts';
import { fetchJson } from '../lib/use-json.ts';
import { visibleText } from '../lib/visible-text.ts';
import { BoardCell, type CellContext } from './board-cell.tsx';
import { BoardPicker } from './board-filters.tsx';
import { MissingBoard, useChosenBoard } from './board.tsx';
import { Mark, markKind } from './mark.tsx';
import { Name } from './name.tsx';
import { TradeOffPlot } from './trade-off-plot.tsx';
import { TableScroll } from './table-scroll.tsx';

export function Compare({
  choices,
  initial,
}: {
  readonly choices: readonly BoardChoice[];
  readonly initial: BoardView;
}) {
  const address = useAddress();
  const [query] = address;
  const { current, view, missing, isWanted } = useChosenBoard(choices, initial, query);
  const { rows: chosen, unknown } = useMemo(() => comparedOf(view, query.get('of')), [view, query]);
  const compared = chosen.map(({ slug }) => slug);
  const files = useComparisons(view.contest, compared);
  return (
    <div className={`board-root${isWanted ? '' : ' waiting'}`} aria-busy={!isWanted}>
      <BoardPicker choices={choices} current={current} address={address} />
      <MissingBoard missing={missing} />
      {isWanted && unknown.length > 0 && (
        <p className="notice" role="alert">
          This board does not have <Name text={unknown.join(', ')} />, which the address names.
        </p>
      )}
      <VariantPicker view={view} chosen={chosen} address={address} />
      {chosen.length < 2 ? (
        <div className="empty">
          <h2>Choose {chosen.length === 0 ? 'two' : 'one more'}</h2>
          <p>Type a method or variant above, up to {MAX_COMPARED} of them.</p>
        </div>
      ) : (
        <>
          <section className="section-tight" aria-labelledby="differences">
            <h2 id="differences">Differences</h2>
            <Differences view={view} chosen={chosen} files={files} />
          </section>
          <section className="section" aria-labelledby="curves">
            <h2 id="curves">Curves</h2>
            <TradeOffPlot
              view={view}
              rows={rowsOfMethods(view, chosen)}
              address={address}
              highlighted={new Set(compared)}
              curves
            />
          </section>
          <section className="section" aria-labelledby="side-by-side">
            <h2 id="side-by-side">Side by side</h2>
            <SideBySide view={view} chosen={chosen} />
          </section>
        </>
      )}
    </div>
  );
}

function rowsOfMethods(view: BoardView, chosen: readonly BoardRow[]): readonly BoardRow[] {
  const methods = new Set(chosen.map(({ method }) => method));
  return view.rows.filter((row) => methods.has(row.method) || row.slug === view.dense);
}

type Files = { readonly files: ReadonlyMap<string, Comparisons>; readonly state: 'loading' | 'loaded' | 'failed' };

function useComparisons(contest: string, slugs: readonly string[]): Files {
  const key = `${contest} ${slugs.join(',')}`;
  const [loaded, setLoaded] = useState<Files & { readonly key: string }>({
    key: '',
    files: new Map(),
    state: 'loading',
  });
  useEffect(() => {
    let current = true;
    const names = slugs.length < 2 ? [] : slugs;
    // The last entry of a board has no file, since it comes first in no pair.
    void Promise.allSettled(names.map((slug) => fetchJson<Comparisons>(apiPaths.comparisons(contest, slug)))).then(
      (results) => {
        if (!current) return;
        const files = new Map(
          names.flatMap((name, i) => {
            const result = results[i];
            return result?.status === 'fulfilled' ? [[name, result.value] as const] : [];
          }),
        );
        setLoaded({ key, files, state: files.size === 0 ? 'failed' : 'loaded' });
      },
    );
    return () => {
      current = false;
    };
    // `key` is made of contest and slugs.
  }, [key]);
  return loaded.key === key ? loaded : { files: loaded.files, state: 'loading' };
}

function VariantPicker(props: {
  readonly view: BoardView;
  readonly chosen: readonly BoardRow[];
  readonly address: Address;
}) {
  const { view, chosen } = props;
  const [, change] = props.address;
  const ready = useReady();
  const list = useId();
  const [text, setText] = useState('');
  const set = (rows: readonly BoardRow[]) => change({ of: rows.map(({ slug }) => slug).join(',') || ',' });
  const scored = view.rows.filter((row) => row.quality && !chosen.includes(row));
  const typed = typedVariant(view.rows, text);
  const add = (row: BoardRow) => {
    setText('');
    if (!chosen.includes(row) && chosen.length < MAX_COMPARED) set([...chosen, row]);
  };
  const type = (next: string) => {
    const found = typedVariant(view.rows, next);
    if (found.kind === 'variant' && !found.continued) add(found.row);
    else setText(next);
  };
  return (
    <div className="variant-picker">
      <ul className="chips" aria-label="Compared variants">
        {chosen.map((row) => (
          <li key={row.slug}>
            <Mark kind={markKind(row, view.dense)} />
            <Name text={row.id} />
            <button
              type="button"
              aria-label={`Take ${visibleText(row.id)} out`}
              disabled={!ready}
              onClick={() => set(chosen.filter((each) => each !== row))}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.kind === 'variant') add(typed.row);
        }}
      >
        <label className="field search">
          <span>Add a variant</span>
          <input
            type="search"
            list={list}
            value={text}
            disabled={!ready || chosen.length >= MAX_COMPARED}
            placeholder={chosen.length >= MAX_COMPARED ? 'six at most' : 'method/variant'}
            onChange={(event) => type(event.target.value)}
          />
        </label>
        <p className="small quiet" role="status">
          {typed.kind === 'variant' && 'Press Enter to add it: longer names begin with it as well.'}
          {typed.kind === 'not scored' && 'It has no quality on this task, so it cannot be compared.'}
          {typed.kind === 'unknown' && `Not measured: no variant of this board is called ${visibleText(text.trim())}.`}
        </p>
      </form>
      <datalist id={list}>
        {scored.map((row) => (
          <option key={row.slug} value={visibleText(row.id)} />
        ))}
      </datalist>
    </div>
  );
}

function Differences(props: { readonly view: BoardView; readonly chosen: readonly BoardRow[]; readonly files: Files }) {
  const { view, chosen } = props;
  const { state } = props.files;
  const words = metricWords(view.metric);
  if (state === 'failed') {
    return (
      <p className="notice" role="alert">
        The paired differences could not be fetched; the figures below stand by themselves.
      </p>
    );
  }
  return (
    <>
      <p className="small quiet">
        Row against column: difference in {words.title} ({words.direction}), paired by test item, over all seeds, 95 %
        interval. Bold: a test at 5 % finds the row <span className="good-text">better</span> or{' '}
        <span className="bad-text">worse</span>; grey: it cannot tell.
      </p>
      <TableScroll label="Paired differences" busy={state === 'loading'}>
        <table className="differences">
          <thead>
            <VariantHeads chosen={chosen} />
          </thead>
          <tbody>
            {chosen.map((first) => (
              <tr key={first.slug}>
                <th scope="row">
                  <Mark kind={markKind(first, view.dense)} /> <Name text={first.id} />
                </th>
                {chosen.map((second) => (
                  <td key={second.slug} className="numeric">
                    {first === second ? (
                      <span className="quiet">–</span>
                    ) : (
                      <DifferenceCell view={view} first={first} second={second} files={props.files} />
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </TableScroll>
      <p className="small quiet" role="status">
        {state === 'loading' && 'Fetching differences …'}
      </p>
    </>
  );
}

/** A head for the row names and one for each variant. */
function VariantHeads({ chosen }: { readonly chosen: readonly BoardRow[] }) {
  return (
    <tr>
      <td />
      {chosen.map((row) => (
        <th key={row.slug} scope="col" className="numeric">
          <Name text={row.id} />
        </th>
      ))}
    </tr>
  );
}

function DifferenceCell(props: {
  readonly view: BoardView;
  readonly first: BoardRow;
  readonly second: BoardRow;
  readonly files: Files;
}) {
  const { view, first, second } = props;
  const { files, state } = props.files;
  const found = qualityDifference(files, first.slug, second.slug);
  if (!found || view.metric === null)
    return <span className="quiet">{state === 'loading' ? '…' : 'not compared'}</span>;
  const shown = shownDifference(view.metric, found.difference);
  const loss = lossOf(shown.value, view.higherIsBetter);
  const tone = found.significant ? (loss < 0 ? 'good-text significant' : 'bad-text significant') : 'quiet';
  return (
    <span className={tone}>
      {formatGap(view.metric, shown.value)}
      <small>
        {formatGapInterval(view.metric, shown).replace(/\s(%|points)$/, '')}, p{' '}
        {found.pValue < 0.001 ? '< 0.001' : formatFigure(found.pValue)}
        {found.artifactsOnly && ', 1 seed: these artifacts'}
      </small>
    </span>
  );
}

function SideBySide({ view, chosen }: { readonly view: BoardView; readonly chosen: readonly BoardRow[] }) {
  const columns = columnsOf(view, EVEN_WEIGHTS).filter(({ id }) => id !== 'method' && id !== 'score');
  const context: CellContext = { view, scale: qualityScale(view, chosen), weights: EVEN_WEIGHTS };
  return (
    <TableScroll label="All figures side by side">
      <table className="differences">
        <thead>
          <VariantHeads chosen={chosen} />
        </thead>
        <tbody>
          {columns.map((column) => {
            const best = bestOf(chosen, column);
            return (
              <tr key={column.id}>
                <th scope="row" title={column.hint}>
                  {column.title}
                </th>
                {chosen.map((row) => (
                  <td key={row.slug} className={`numeric column-${column.id}${best === row ? ' best' : ''}`}>
                    <BoardCell column={column.id} row={row} context={context} />
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </TableScroll>
  );
}
