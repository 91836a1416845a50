import type { Metadata } from 'next';
import type { History } from '../../../drizzle/queries.ts';
import { EmptyBoard } from '../../components/empty-board.tsx';
import { HistoryView } from '../../components/history-view.tsx';
import { Name } from '../../components/name.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { TableScroll } from '../../components/table-scroll.tsx';
import { NONE, figureText, formatDay, formatFigure } from '../../lib/format.ts';
import { boards, choices, contests, defaultView } from '../../lib/site-data.ts';
import { queries, siteStore } from '../../lib/store.ts';
import { TableHead, numeric } from '../../components/table-head.tsx';

export const metadata: Metadata = {
  title: 'History',
  description: 'Metrics over nightly runs, with the changes that a test found, not the eye.',
};

const MAX_CHANGES = 200;

export default function HistoryPage() {
  const view = defaultView();
  const found = contests().flatMap((board) =>
    queries.derivedHistories(siteStore(), board.id).map((history) => ({ board, history })),
  );
  const runs = new Set(found.flatMap(({ history }) => history.points.map(({ run }) => run))).size;
  const changes = found
    .flatMap(({ board, history }) =>
      history.changes.map((change) => ({ board, history, change, at: history.points[change.at]?.startedAt ?? '' })),
    )
    .sort((a, b) => (a.at < b.at ? 1 : -1))
    .slice(0, MAX_CHANGES);
  return (
    <>
      <PageHead title="History">
        <p>
          A figure over the runs that measured it. A change is one that a test found, with false alarms held to 5 % of
          what is reported.
        </p>
      </PageHead>
      {!view || boards().length === 0 ? (
        <EmptyBoard />
      ) : (
        <>
          <section className="section" aria-labelledby="changes">
            <h2 id="changes">Changes found</h2>
            {changes.length === 0 ? (
              <div className="empty">
                <h3>{runs < 2 ? 'One run, no history yet' : 'No change found'}</h3>
                <p>
                  {runs < 2
                    ? 'A change takes at least two runs of the same variant. Nightly runs add a point each.'
                    : `${runs} runs were looked through; no figure moved by more than its noise.`}
                </p>
              </div>
            ) : (
              <TableScroll label="Changes found">
                <table>
                  <TableHead cells={['Day', 'Variant', 'Figure', numeric('Before'), numeric('After'), numeric('q')]} />
                  <tbody>
                    {changes.map(({ board, history, change, at }) => (
                      <tr key={`${history.board} ${history.entry} ${change.figure} ${change.at}`}>
                        <td className="number">{formatDay(at)}</td>
                        <th scope="row">
                          <Name text={history.id} />
                          <small>
                            <Name text={board.model} /> · <Name text={board.task} />
                          </small>
                        </th>
                        <td className={change.better === null ? undefined : change.better ? 'good-text' : 'bad-text'}>
                          {change.figure}
                          {change.better !== null && <small>{change.better ? 'better' : 'worse'}</small>}
                        </td>
                        <td className="numeric">{figureText(change.before, change.figure, board.metric)}</td>
                        <td className="numeric">{figureText(change.after, change.figure, board.metric)}</td>
                        <td className="numeric">{change.qValue === null ? NONE : formatFigure(change.qValue)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </TableScroll>
            )}
          </section>
          <section className="section" aria-labelledby="variant">
            <h2 id="variant">One variant</h2>
            <HistoryView choices={choices()} initial={view} start={longest(found, view.id)} />
          </section>
        </>
      )}
    </>
  );
}

/** The variant of a board with the most runs behind it. */
function longest(
  found: readonly { readonly board: { readonly id: string }; readonly history: History }[],
  board: string,
): string | null {
  const own = found.filter((each) => each.board.id === board).map(({ history }) => history);
  return own.toSorted((a, b) => b.points.length - a.points.length)[0]?.entry ?? null;
}
