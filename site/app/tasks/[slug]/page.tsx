import type { Metric } from '../../../../contracts/dataset.ts';
import type { Metadata } from 'next';
import type { DerivedEntry } from '../../../../drizzle/queries.ts';
import { Mark } from '../../../components/mark.tsx';
import { Name } from '../../../components/name.tsx';
import { PageHead } from '../../../components/page-head.tsx';
import { SiteLink } from '../../../components/site-link.tsx';
import { VariantTable, usualColumns } from '../../../components/variant-table.tsx';
import { TableScroll } from '../../../components/table-scroll.tsx';
import { NONE as NOTHING, formatGap, formatGapInterval, formatQuality, plural } from '../../../lib/format.ts';
import { lossOf, metricWords } from '../../../lib/metric.ts';
import { leaderboardOf, paths } from '../../../lib/paths.ts';
import { boards, catalog, contests, idOfSlug, slugOf, taskIds, viewOf } from '../../../lib/site-data.ts';
import { queries, siteStore } from '../../../lib/store.ts';
import { visibleText } from '../../../lib/visible-text.ts';
import { TableHead, numeric } from '../../../components/table-head.tsx';

interface Props {
  readonly params: Promise<{ readonly slug: string }>;
}

/** A static export fails on a route without pages. */
const NONE = 'none';
const BEST = 8;
const MOST_HURT = 25;

export function generateStaticParams() {
  const slugs = taskIds().map((id) => ({ slug: slugOf(id) }));
  return slugs.length > 0 ? slugs : [{ slug: NONE }];
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { slug } = await params;
  if (slug === NONE) return { title: 'No task' };
  const id = idOfSlug(taskIds(), slug);
  const entry = catalog().tasks.find((task) => task.id === id);
  return { title: visibleText(id), description: visibleText(entry?.description ?? `The task ${id} on ShrinkRank.`) };
}

export default async function TaskPage({ params }: Props) {
  const { slug } = await params;
  if (slug === NONE) return <PageHead above={{ href: paths.tasks, title: 'Tasks' }} title="No task yet" />;
  const id = idOfSlug(taskIds(), slug);
  const entry = catalog().tasks.find((task) => task.id === id);
  const dataset = catalog().datasets.find((each) => each.id === entry?.dataset);
  const places = contests(boards().filter(({ task }) => task === id));
  return (
    <>
      <PageHead above={{ href: paths.tasks, title: 'Tasks' }} title={<Name text={entry?.title ?? id} />}>
        <p>
          <Name text={entry?.description ?? 'No longer registered; its rows stay.'} />
        </p>
      </PageHead>
      {entry && (
        <dl className="facts section-tight">
          <div>
            <dt>Metric</dt>
            <dd>
              {entry.metric}
              <small>{entry.higherIsBetter ? 'higher' : 'lower'} is better</small>
            </dd>
          </div>
          <div>
            <dt>Guessing gets</dt>
            <dd>
              {entry.chance === null || entry.chance === undefined
                ? NOTHING
                : formatQuality(entry.metric as Metric, entry.chance)}
            </dd>
          </div>
          <div>
            <dt>Dataset</dt>
            <dd>
              <Name text={dataset?.title ?? entry.dataset} />
              <small>
                {dataset && `version ${visibleText(dataset.version)}, licence: ${visibleText(dataset.licence)}`}
              </small>
            </dd>
          </div>
          <div>
            <dt>Groups of items</dt>
            <dd>{entry.slices ? <Name text={entry.slices.join(', ')} /> : 'none'}</dd>
          </div>
        </dl>
      )}
      {places.length === 0 && (
        <div className="empty section">
          <h2>Not measured yet</h2>
          <p>No artifact has been scored on this task.</p>
        </div>
      )}
      {places.map((board) => {
        const view = viewOf(board.id);
        const sliced = queries
          .derivedBoard(siteStore(), board.id)
          .entries.filter((each) => (each.quality?.slices.length ?? 0) > 0);
        const best = view.rows
          .filter((row) => row.quality && !row.control)
          .sort((a, b) => (a.place ?? Infinity) - (b.place ?? Infinity));
        return (
          <section key={board.id} className="section" aria-labelledby={board.id}>
            <div className="section-head">
              <h2 id={board.id}>
                <SiteLink href={paths.model(slugOf(board.model))}>
                  <Name text={board.model} />
                </SiteLink>
              </h2>
              <p>
                {plural(board.rankedCount, 'variant')} ranked.{' '}
                <SiteLink href={leaderboardOf({ model: board.model, task: board.task })}>Leaderboard</SiteLink>
              </p>
            </div>
            <VariantTable
              view={view}
              rows={best.slice(0, BEST)}
              columns={usualColumns(view).filter((column) => column !== 'rank')}
              label={`Best variants of ${board.model}`}
            />
            {sliced.length > 0 && (
              <>
                <h3 className="section-tight">Who is hurt most</h3>
                <SliceTable entries={sliced} metric={board.metric} higherIsBetter={board.higherIsBetter} />
              </>
            )}
          </section>
        );
      })}
    </>
  );
}

/** Loss of each group against dense, the variants with the most uneven losses first. */
function SliceTable(props: {
  readonly entries: readonly DerivedEntry[];
  readonly metric: Metric | null;
  readonly higherIsBetter: boolean | null;
}) {
  const { entries, metric, higherIsBetter } = props;
  const names = [...new Set(entries.flatMap(({ quality }) => quality?.slices.map(({ slice }) => slice) ?? []))];
  const losses = (entry: DerivedEntry) =>
    (entry.quality?.slices ?? []).map(({ toDense }) => lossOf(toDense.shown.value, higherIsBetter));
  const unevenness = (entry: DerivedEntry) => Math.max(...losses(entry)) - Math.min(...losses(entry));
  const ordered = entries
    .filter(({ control }) => !control)
    .sort((a, b) => unevenness(b) - unevenness(a))
    .slice(0, MOST_HURT);
  return (
    <>
      <p className="small quiet">
        Change of {metricWords(metric).title} against dense by group of items, {metricWords(metric).gap}; grey where it
        cannot be told from none after adjusting for the number of groups. The {ordered.length} most uneven of{' '}
        {plural(entries.length, 'variant')}.
      </p>
      <TableScroll label="Losses by group">
        <table>
          <TableHead cells={['Variant', 'Hurt most', ...names.map((name) => numeric(<Name text={name} />, name))]} />
          <tbody>
            {ordered.map((entry) => (
              <tr key={entry.slug}>
                <th scope="row">
                  <Mark kind={entry.costClass} />{' '}
                  <SiteLink href={paths.method(slugOf(entry.method))}>
                    <Name text={entry.id} />
                  </SiteLink>
                </th>
                <td>{entry.quality?.worstSlice ? <Name text={entry.quality.worstSlice} /> : NOTHING}</td>
                {names.map((name) => {
                  const slice = entry.quality?.slices.find((each) => each.slice === name);
                  return (
                    <td key={name} className={`numeric${slice && slice.qValue > 0.05 ? ' quiet' : ''}`}>
                      {slice ? (
                        <>
                          {formatGap(metric, slice.toDense.shown.value)}
                          <small>{formatGapInterval(metric, slice.toDense.shown).replace(/\s(%|points)$/, '')}</small>
                        </>
                      ) : (
                        NOTHING
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </TableScroll>
    </>
  );
}
