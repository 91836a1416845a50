/** Figures of variants over runs, with the changes found by tests. */
import type { Metric } from '../../contracts/dataset.ts';
import type { History } from '../../drizzle/queries.ts';
import { NONE, formatBytes, figureText, formatDay, formatQuality, formatSeconds, plural } from '../lib/format.ts';
import { metricWords } from '../lib/metric.ts';
import { Name } from './name.tsx';
import { TableScroll } from './table-scroll.tsx';
import { TableHead, numeric } from './table-head.tsx';

export interface PlacedHistory {
  readonly history: History;
  readonly metric: Metric | null;
  readonly place: string;
}

export function HistoryTable({ histories }: { readonly histories: readonly PlacedHistory[] }) {
  const long = histories.filter(({ history }) => history.points.length > 1);
  if (long.length === 0) {
    const points = histories.reduce((sum, { history }) => sum + history.points.length, 0);
    return (
      <p className="quiet">
        {points === 0 ? 'No run has measured it.' : 'One run so far: a history begins with the second.'}
      </p>
    );
  }
  return (
    <TableScroll label="History">
      <table>
        <TableHead
          cells={['Variant', 'Run', numeric('Quality'), numeric('As shipped'), numeric('Cost'), 'Change found']}
        />
        {long.map(({ history, metric, place }) => (
          <tbody key={`${history.board} ${history.entry}`}>
            {history.points.map((point, i) => (
              <tr key={`${point.run} ${point.code}`}>
                <th scope="row">
                  <Name text={history.id} />
                  <small>{place}</small>
                </th>
                <td>
                  {formatDay(point.startedAt)}
                  <small>
                    {point.code}, {plural(point.seeds, 'seed')}
                  </small>
                </td>
                <td className="numeric">
                  {point.quality ? formatQuality(metric, point.quality.value) : NONE}
                  <small>{metricWords(metric).title}</small>
                </td>
                <td className="numeric">{point.zstdBytes === null ? NONE : formatBytes(point.zstdBytes)}</td>
                <td className="numeric">{point.wallSeconds === null ? NONE : formatSeconds(point.wallSeconds)}</td>
                <td>
                  {history.changes
                    .filter(({ at }) => at === i)
                    .map((change) => (
                      <span key={change.figure} className={change.better === false ? 'bad-text' : undefined}>
                        {change.figure}: {figureText(change.before, change.figure, metric)} →{' '}
                        {figureText(change.after, change.figure, metric)}
                      </span>
                    ))}
                </td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </TableScroll>
  );
}
