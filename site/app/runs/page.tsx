import type { Metadata } from 'next';
import { Name } from '../../components/name.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { SiteLink } from '../../components/site-link.tsx';
import { TableScroll } from '../../components/table-scroll.tsx';
import { NONE, formatSeconds, formatTime } from '../../lib/format.ts';
import { paths } from '../../lib/paths.ts';
import { slugOf } from '../../lib/site-data.ts';
import { allRuns, countOf } from '../../lib/runs.ts';
import { TableHead, numeric } from '../../components/table-head.tsx';

export const metadata: Metadata = {
  title: 'Runs',
  description: 'Executions of a suite: when, where, with what result.',
};

export default function RunsPage() {
  const runs = allRuns();
  return (
    <>
      <PageHead title="Runs">
        <p>One execution of a suite on one machine. Rows are only ever added.</p>
      </PageHead>
      <div className="section">
        {runs.length === 0 ? (
          <div className="empty">
            <h2>No run yet</h2>
            <p>
              <code>npm run bench</code> makes the first.
            </p>
          </div>
        ) : (
          <TableScroll label="Runs">
            <table>
              <TableHead cells={['Run', 'Suite', 'Machine', numeric('Rows'), numeric('Failures'), numeric('Took')]} />
              <tbody>
                {runs.map((run) => (
                  <tr key={run.id}>
                    <th scope="row">
                      <SiteLink href={paths.run(slugOf(run.id))}>
                        <Name text={run.id} />
                      </SiteLink>
                      <small>{formatTime(run.startedAt)}</small>
                    </th>
                    <td>
                      <Name text={run.suite} />
                      <small>protocol {run.protocol}</small>
                    </td>
                    <td>
                      <Name text={run.machine.cpuModel} />
                      <small>{run.machine.cores} cores</small>
                    </td>
                    <td className="numeric">{countOf(run).toLocaleString('en')}</td>
                    <td className="numeric">{(countOf(run) - countOf(run, 'completed')).toLocaleString('en')}</td>
                    <td className="numeric">{run.wallSeconds === null ? NONE : formatSeconds(run.wallSeconds)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </TableScroll>
        )}
      </div>
    </>
  );
}
