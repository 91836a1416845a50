import type { Metadata } from 'next';
import { Curves } from '../../../components/curves.tsx';
import { FailureList } from '../../../components/failure-list.tsx';
import { HistoryTable } from '../../../components/history-table.tsx';
import { Mark } from '../../../components/mark.tsx';
import { Name } from '../../../components/name.tsx';
import { PageHead } from '../../../components/page-head.tsx';
import { SiteLink } from '../../../components/site-link.tsx';
import { SourceFile } from '../../../components/source-link.tsx';
import { VariantTable, usualColumns } from '../../../components/variant-table.tsx';
import { plural } from '../../../lib/format.ts';
import { leaderboardOf, paths } from '../../../lib/paths.ts';
import { boards, catalog, contests, idOfSlug, methodIds, slugOf, viewOf } from '../../../lib/site-data.ts';
import { queries, siteStore } from '../../../lib/store.ts';
import { visibleText } from '../../../lib/visible-text.ts';

interface Props {
  readonly params: Promise<{ readonly slug: string }>;
}

/** A static export fails on a route without pages. */
const NONE = 'none';

export function generateStaticParams() {
  const slugs = methodIds().map((id) => ({ slug: slugOf(id) }));
  return slugs.length > 0 ? slugs : [{ slug: NONE }];
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { slug } = await params;
  if (slug === NONE) return { title: 'No method' };
  const id = idOfSlug(methodIds(), slug);
  const entry = catalog().methods.find((method) => method.id === id);
  return {
    title: visibleText(id),
    description: visibleText(entry?.description ?? `The compression method ${id} on ShrinkRank.`),
  };
}

const COST_WORDS: Readonly<Record<string, string>> = {
  'data-free': 'uses the weights only',
  calibrated: 'looks at activations on a little calibration data',
  gradient: 'looks at gradients too, without changing weights by them',
  trained: 'trains: weights are updated by gradients',
};

export default async function MethodPage({ params }: Props) {
  const { slug } = await params;
  if (slug === NONE) return <PageHead above={{ href: paths.methods, title: 'Methods' }} title="No method yet" />;
  const id = idOfSlug(methodIds(), slug);
  const entry = catalog().methods.find((method) => method.id === id);
  const places = contests(boards()).flatMap((board) => {
    const view = viewOf(board.id);
    const rows = view.rows.filter(({ method }) => method === id);
    return rows.length > 0 ? [{ board, view, rows }] : [];
  });
  const kind = entry?.control ? 'control' : entry?.access === 'trained' ? 'high-cost' : 'low-cost';
  const failures = queries.failures(siteStore(), boards()[0]?.protocol ?? 1).filter(({ method }) => method === id);
  return (
    <>
      <PageHead above={{ href: paths.methods, title: 'Methods' }} title={<Name text={id} />}>
        {entry && (
          <p>
            <Name text={entry.description} />
          </p>
        )}
      </PageHead>
      {entry ? (
        <dl className="facts section-tight">
          <div>
            <dt>Cost class</dt>
            <dd>
              <Mark kind={kind} /> {kind === 'high-cost' || entry.access === 'trained' ? 'high-cost' : 'low-cost'}
              {entry.control ? ', control' : ''}
              <small>{COST_WORDS[entry.access]}</small>
            </dd>
          </div>
          <div>
            <dt>Family</dt>
            <dd>{entry.family}</dd>
          </div>
          <div>
            <dt>Paper</dt>
            <dd>
              <PaperLink url={entry.paper.url} title={entry.paper.title} />
              <small>
                <Name text={`${entry.paper.authors}, ${entry.paper.year}`} />
              </small>
            </dd>
          </div>
          <div>
            <dt>Source</dt>
            <dd>
              <SourceFile path={entry.sourceFile} />
              <small>
                {plural(entry.variants.length, 'variant')}, revision {entry.revision}, licence:{' '}
                {visibleText(entry.licence)}
              </small>
            </dd>
          </div>
        </dl>
      ) : (
        <p className="notice">This method is no longer registered; its rows stay, marked as stale.</p>
      )}
      {places.length === 0 && (
        <div className="empty section">
          <h2>Not measured yet</h2>
          <p>
            <code>npm run shrinkrank -- run --methods {visibleText(id)}</code> measures it.
          </p>
        </div>
      )}
      {places.map(({ board, view, rows }) => {
        const onFront = new Set(view.fronts.flatMap(({ entries }) => entries));
        const drawn = view.rows.filter((row) => row.method === id || row.slug === view.dense || onFront.has(row.slug));
        return (
          <section key={board.id} className="section" aria-labelledby={board.id}>
            <div className="section-head">
              <h2 id={board.id}>
                <Name text={board.model} /> · <Name text={board.task} />
              </h2>
              <p>
                <SiteLink href={leaderboardOf({ model: board.model, task: board.task, q: id })}>
                  On the leaderboard
                </SiteLink>
              </p>
            </div>
            <Curves view={{ ...view, rows: drawn, headline: [] }} highlighted={rows.map((row) => row.slug)} />
            <VariantTable view={view} rows={rows} columns={usualColumns(view)} label={`Variants on ${board.model}`} />
          </section>
        );
      })}
      <section className="section" aria-labelledby="failures">
        <h2 id="failures">Failures</h2>
        <FailureList failures={failures} />
      </section>
      <section className="section" aria-labelledby="history">
        <h2 id="history">History</h2>
        <HistoryTable
          histories={places.flatMap(({ board }) =>
            queries
              .derivedHistories(siteStore(), board.id)
              .filter(
                (history) => board && viewOf(board.id).rows.find((row) => row.slug === history.entry)?.method === id,
              )
              .map((history) => ({ history, metric: board.metric, place: `${board.model} · ${board.task}` })),
          )}
        />
      </section>
    </>
  );
}

/** The address comes with the method's file: only web addresses become links. */
function PaperLink({ url, title }: { readonly url: string; readonly title: string }) {
  if (!/^https?:\/\//i.test(url)) return <Name text={title} />;
  return (
    <a href={url} rel="noopener noreferrer nofollow">
      <Name text={title} />
    </a>
  );
}
