import type { Metadata } from 'next';
import { Markdown } from '../../components/markdown.tsx';
import { Name } from '../../components/name.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { SiteLink } from '../../components/site-link.tsx';
import { TableScroll } from '../../components/table-scroll.tsx';
import { formatDay, plural } from '../../lib/format.ts';
import { paths } from '../../lib/paths.ts';
import { projectAddress } from '../../lib/project.ts';
import { repositoryFile } from '../../lib/repository-file.ts';
import { allRuns, countOf } from '../../lib/runs.ts';
import { queries, siteStore } from '../../lib/store.ts';
import { TableHead } from '../../components/table-head.tsx';

export const metadata: Metadata = {
  title: 'Data',
  description: 'Versioned dumps of every row (SQLite, CSV, JSON), how to cite them, and the list of corrections.',
};

const DUMPS = [
  {
    href: '/data/shrinkrank.sqlite',
    title: 'shrinkrank.sqlite',
    text: 'The whole store: every row, per-item outcomes, raw samples. Open it with any SQLite.',
  },
  {
    href: '/data/results.csv',
    title: 'results.csv',
    text: 'One line per variant, board and seed, for spreadsheets and data frames.',
  },
  {
    href: '/data/results.jsonl.gz',
    title: 'results.jsonl.gz',
    text: 'Every row as JSON Lines, nothing rounded; what results/ of the repository holds.',
  },
  { href: '/data/manifest.json', title: 'manifest.json', text: 'Version, sizes and SHA-256 of these files.' },
];

export default function DataPage() {
  const runs = allRuns();
  const newest = runs[0]?.startedAt ?? null;
  const { homepage } = projectAddress();
  const rows = runs.reduce((sum, run) => sum + countOf(run), 0);
  const ledger = queries.correctionLedger(siteStore());
  return (
    <>
      <PageHead title="Data">
        <p>
          {plural(rows, 'row')} of {plural(runs.length, 'run')}
          {newest && `, the newest of ${formatDay(newest)}`}. Everything this site shows can be computed again from
          them.
        </p>
      </PageHead>
      <section className="section-tight" aria-labelledby="dumps">
        <h2 id="dumps">Dumps</h2>
        <ul className="cards">
          {DUMPS.map(({ href, title, text }) => (
            <li key={href} className="card">
              <h3>
                <SiteLink href={href} download={title.endsWith('manifest.json') ? undefined : title}>
                  {title}
                </SiteLink>
              </h3>
              <p>{text}</p>
            </li>
          ))}
          <li className="card">
            <h3>
              <SiteLink href={paths.api}>API</SiteLink>
            </h3>
            <p>The same figures as small JSON files, one per board, comparison, history and result.</p>
          </li>
        </ul>
      </section>
      <section className="section" aria-labelledby="cite">
        <h2 id="cite">How to cite</h2>
        <p className="prose">
          Name the newest run, so that others see the rows you saw: results are only ever added. Models, datasets and
          methods have citations of their own on their pages.
        </p>
        <pre tabIndex={0}>
          <code>{`@misc{shrinkrank,
  title  = {ShrinkRank: compression methods for language models, measured},
  year   = {${newest?.slice(0, 4) ?? new Date().getUTCFullYear()}},${homepage === null ? '' : `\n  url    = {${homepage}},`}
  note   = {Protocol ${runs[0]?.protocol ?? 1}, rows up to run ${runs[0]?.id ?? 'none'}}
}`}</code>
        </pre>
      </section>
      <section className="section" aria-labelledby="corrections">
        <h2 id="corrections">Corrections</h2>
        {ledger.length === 0 ? (
          <div className="empty">
            <h3>None so far</h3>
            <p>
              A wrong row is never changed or deleted: a correction withdraws it or adds a remark, and stands here with
              its reason.
            </p>
          </div>
        ) : (
          <TableScroll label="Corrections">
            <table>
              <TableHead cells={['Day', 'Row', 'What', 'Why']} />
              <tbody>
                {ledger.map((entry) => (
                  <tr key={`${entry.key} ${entry.run} ${entry.action} ${entry.reason} ${entry.date}`}>
                    <td className="number">{entry.date}</td>
                    <th scope="row">
                      {entry.trial ? (
                        <SiteLink href={paths.result(entry.trial)}>
                          <Name
                            text={entry.method === null ? entry.trial.slice(0, 12) : `${entry.method}/${entry.variant}`}
                          />
                        </SiteLink>
                      ) : (
                        <code>{entry.key.slice(0, 12)}</code>
                      )}
                      <small>
                        {entry.kind ?? 'not in this store'}
                        {entry.task && (
                          <>
                            , <Name text={entry.task} />
                          </>
                        )}
                      </small>
                    </th>
                    <td>{entry.action === 'withdraw' ? 'withdrawn' : 'annotated'}</td>
                    <td>
                      <Name text={entry.reason} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </TableScroll>
        )}
      </section>
      <section className="section" aria-labelledby="format">
        <h2 id="format">The format of a row</h2>
        <Markdown text={repositoryFile('results/README.md')} below={2} />
      </section>
    </>
  );
}
