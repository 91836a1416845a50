import type { Metadata } from 'next';
import { MachineFacts } from '../../../components/machine-facts.tsx';
import { Name } from '../../../components/name.tsx';
import { PageHead } from '../../../components/page-head.tsx';
import { SiteLink } from '../../../components/site-link.tsx';
import { Commit } from '../../../components/source-link.tsx';
import { TableScroll } from '../../../components/table-scroll.tsx';
import { NONE as NOTHING, STATUS_WORDS, formatSeconds, formatTime, plural } from '../../../lib/format.ts';
import { paths } from '../../../lib/paths.ts';
import { allRuns, countOf } from '../../../lib/runs.ts';
import { idOfSlug, slugOf } from '../../../lib/site-data.ts';
import { queries, siteStore } from '../../../lib/store.ts';
import { visibleText } from '../../../lib/visible-text.ts';
import { firstLine } from '../../../../contracts/words/text.ts';
import { TableHead, numeric } from '../../../components/table-head.tsx';

interface Props {
  readonly params: Promise<{ readonly slug: string }>;
}

/** A static export fails on a route without pages. */
const NONE = 'none';
/** A page of more rows is slow to open; the dumps have all of them. */
const MAX_ROWS = 3000;

export function generateStaticParams() {
  const slugs = allRuns().map(({ id }) => ({ slug: slugOf(id) }));
  return slugs.length > 0 ? slugs : [{ slug: NONE }];
}

function runOf(slug: string) {
  const id = idOfSlug(
    allRuns().map((run) => run.id),
    slug,
  );
  return allRuns().find((run) => run.id === id);
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { slug } = await params;
  const run = slug === NONE ? undefined : runOf(slug);
  if (!run) return { title: 'No run' };
  return {
    title: `Run ${visibleText(run.id)}`,
    description: `Run ${visibleText(run.id)} of suite ${visibleText(run.suite)}: its machine, versions and every row it wrote.`,
  };
}

export default async function RunPage({ params }: Props) {
  const { slug } = await params;
  const run = slug === NONE ? undefined : runOf(slug);
  if (!run) return <PageHead above={{ href: paths.runs, title: 'Runs' }} title="No run yet" />;
  const rows = queries.rowsOfRun(siteStore(), run.id);
  return (
    <>
      <PageHead above={{ href: paths.runs, title: 'Runs' }} title={<Name text={run.id} />}>
        <p>
          Suite <Name text={run.suite} />, {formatTime(run.startedAt)}
          {run.finishedAt === null ? ', not finished' : ''}. {plural(countOf(run), 'row')},{' '}
          {plural(countOf(run) - countOf(run, 'completed'), 'failure')}.
        </p>
      </PageHead>
      <dl className="facts section-tight">
        <div>
          <dt>Took</dt>
          <dd>
            {run.wallSeconds === null ? NOTHING : formatSeconds(run.wallSeconds)}
            <small>
              {run.overheadSeconds !== null &&
                `${formatSeconds(run.overheadSeconds)} of it neither compressing nor measuring`}
            </small>
          </dd>
        </div>
        <div>
          <dt>Commit</dt>
          <dd>
            <Commit commit={run.commit} />
            <small>
              {run.commit?.endsWith('+') ? 'with changes in the tree' : ''} protocol {run.protocol}
            </small>
          </dd>
        </div>
      </dl>
      <section className="section" aria-labelledby="machine">
        <h2 id="machine">Machine</h2>
        <MachineFacts machine={run.machine} />
      </section>
      <section className="section" aria-labelledby="rows">
        <div className="section-head">
          <h2 id="rows">Rows</h2>
          <p>
            {rows.length > MAX_ROWS
              ? `The first ${MAX_ROWS.toLocaleString('en')} of ${rows.length.toLocaleString('en')}; the dumps have all.`
              : 'In the order they were written.'}
          </p>
        </div>
        <TableScroll label="Rows of the run">
          <table>
            <TableHead cells={['Row', 'Variant', 'Of', 'Status', numeric('Took')]} />
            <tbody>
              {rows.slice(0, MAX_ROWS).map((row) => (
                <tr key={`${row.kind} ${row.key} ${row.startedAt}`}>
                  <td>{row.kind}</td>
                  <th scope="row">
                    <SiteLink href={paths.result(row.trial)}>
                      <Name text={row.method === null ? row.trial.slice(0, 12) : `${row.method}/${row.variant}`} />
                    </SiteLink>
                  </th>
                  <td>
                    <Name text={row.task ?? row.model ?? ''} />
                    <small>{row.seed === null ? '' : `seed ${row.seed}`}</small>
                  </td>
                  <td className={row.status === 'completed' ? undefined : 'bad-text'}>
                    {STATUS_WORDS[row.status]}
                    {row.reason && (
                      <small>
                        <Name text={firstLine(row.reason).slice(0, 160)} />
                      </small>
                    )}
                    {!row.effective && <small>does not stand</small>}
                  </td>
                  <td className="numeric">{row.wallSeconds === null ? NOTHING : formatSeconds(row.wallSeconds)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableScroll>
      </section>
    </>
  );
}
