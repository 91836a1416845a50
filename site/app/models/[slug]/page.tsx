import type { Metadata } from 'next';
import { Headline } from '../../../components/headline.tsx';
import { Name } from '../../../components/name.tsx';
import { PageHead } from '../../../components/page-head.tsx';
import { SiteLink } from '../../../components/site-link.tsx';
import { NONE as NOTHING, formatBytes, formatCount, formatQuality, plural } from '../../../lib/format.ts';
import { metricWords } from '../../../lib/metric.ts';
import { leaderboardOf, paths } from '../../../lib/paths.ts';
import { boards, catalog, contests, idOfSlug, modelIds, slugOf, viewOf } from '../../../lib/site-data.ts';
import { visibleText } from '../../../lib/visible-text.ts';

interface Props {
  readonly params: Promise<{ readonly slug: string }>;
}

/** A static export fails on a route without pages. */
const NONE = 'none';

export function generateStaticParams() {
  const slugs = modelIds().map((id) => ({ slug: slugOf(id) }));
  return slugs.length > 0 ? slugs : [{ slug: NONE }];
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { slug } = await params;
  if (slug === NONE) return { title: 'No model' };
  const id = visibleText(idOfSlug(modelIds(), slug));
  return {
    title: id,
    description: `What compression methods make of the model ${id}: the answer by size, on each task.`,
  };
}

export default async function ModelPage({ params }: Props) {
  const { slug } = await params;
  if (slug === NONE) return <PageHead above={{ href: paths.models, title: 'Models' }} title="No model yet" />;
  const id = idOfSlug(modelIds(), slug);
  const entry = catalog().models.find((model) => model.id === id);
  const places = contests(boards().filter(({ model }) => model === id)).map((board) => ({
    board,
    view: viewOf(board.id),
  }));
  const dense = places.flatMap(({ view }) => view.rows.find((row) => row.slug === view.dense) ?? [])[0];
  return (
    <>
      <PageHead above={{ href: paths.models, title: 'Models' }} title={<Name text={id} />}>
        <p>
          <Name text={entry?.title ?? 'No longer registered; its rows stay.'} />
        </p>
      </PageHead>
      <dl className="facts section-tight">
        <div>
          <dt>Dense</dt>
          <dd>
            {dense?.parameters ? `${formatCount(dense.parameters)} parameters` : NOTHING}
            <small>
              {dense?.fileBytes ? `${formatBytes(dense.fileBytes)} file, ` : ''}
              {dense?.zstdBytes ? `${formatBytes(dense.zstdBytes)} as shipped` : ''}
            </small>
          </dd>
        </div>
        {entry && (
          <>
            <div>
              <dt>Architecture</dt>
              <dd>
                <Name text={entry.architecture} />
                <small>licence: {visibleText(entry.licence)}</small>
              </dd>
            </div>
            <div>
              <dt>Trained on</dt>
              <dd>
                {entry.trainedOn.length > 0 ? <Name text={entry.trainedOn.join(', ')} /> : 'none of the datasets here'}
              </dd>
            </div>
            <div>
              <dt>Cite</dt>
              <dd className="citation">
                <Name text={entry.citation} />
              </dd>
            </div>
          </>
        )}
      </dl>
      {places.length === 0 && (
        <div className="empty section">
          <h2>Not measured yet</h2>
          <p>
            <code>npm run shrinkrank -- run --models {visibleText(id)}</code> measures it.
          </p>
        </div>
      )}
      {places.map(({ board, view }) => (
        <section key={board.id} className="section" aria-labelledby={board.id}>
          <div className="section-head">
            <h2 id={board.id}>
              <SiteLink href={paths.task(slugOf(board.task))}>
                <Name text={board.task} />
              </SiteLink>
            </h2>
            <p>
              {view.denseQuality !== null &&
                `Dense: ${metricWords(view.metric).title} ${formatQuality(view.metric, view.denseQuality)}. `}
              {plural(board.rankedCount, 'variant')} ranked, {plural(board.failureCount, 'failure')}.{' '}
              <SiteLink href={leaderboardOf({ model: board.model, task: board.task })}>Leaderboard</SiteLink>
            </p>
          </div>
          <Headline view={view} />
        </section>
      ))}
    </>
  );
}
