import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { PageHead } from '../../components/page-head.tsx';
import { SiteLink } from '../../components/site-link.tsx';
import { apiPaths } from '../../lib/api-paths.ts';
import { paths } from '../../lib/paths.ts';
import { boards } from '../../lib/site-data.ts';
import { queries, siteStore } from '../../lib/store.ts';

export const metadata: Metadata = {
  title: 'API',
  description: 'ShrinkRank’s static JSON API: files under /api/v1, what each holds, and the promise that goes with v1.',
};

interface Endpoint {
  readonly path: string;
  /** A file of this shape that is there. */
  readonly example: string | null;
  readonly text: ReactNode;
}

export default function ApiPage() {
  const board = boards()[0];
  const compared = board && queries.comparedEntries(siteStore(), board.contest)[0];
  const entry = board && queries.derivedBoard(siteStore(), board.id).entries.find(({ quality }) => quality);
  const key = entry?.seeds[0]?.key;
  const endpoints: readonly Endpoint[] = [
    {
      path: '/api/v1/index.json',
      example: apiPaths.index,
      text: 'Where to begin: all boards, with what they count, and the version of the data.',
    },
    {
      path: '/api/v1/methods.json',
      example: '/api/v1/methods.json',
      text: 'Methods with family, access class, paper and variants.',
    },
    { path: '/api/v1/models.json', example: '/api/v1/models.json', text: 'Dense models with licence and citation.' },
    {
      path: '/api/v1/tasks.json',
      example: '/api/v1/tasks.json',
      text: 'Tasks with metric, chance and groups of items.',
    },
    {
      path: '/api/v1/runs.json',
      example: '/api/v1/runs.json',
      text: 'Runs with machine, versions and counts of rows.',
    },
    {
      path: '/api/v1/corrections.json',
      example: '/api/v1/corrections.json',
      text: 'What was withdrawn or annotated, and why.',
    },
    {
      path: '/api/v1/boards/<board>.json',
      example: board ? `/api/v1/boards/${board.id}.json` : null,
      text: 'A whole board: the headline, the fronts, every entry with quality, size, speed, cost, ranks and badges.',
    },
    {
      path: '/api/v1/pareto/<board>.json',
      example: board ? `/api/v1/pareto/${board.id}.json` : null,
      text: 'The Pareto fronts of a board alone.',
    },
    {
      path: '/api/v1/comparisons/<contest>/<entry>.json',
      example: board && compared ? apiPaths.comparisons(board.contest, compared) : null,
      text: 'Paired differences of an entry against those after it. A pair stands in the file of the one that comes first.',
    },
    {
      path: '/api/v1/history/<board>/<entry>.json',
      example: board && entry ? apiPaths.history(board.id, entry.slug) : null,
      text: 'An entry over its runs, with the changes that a test found.',
    },
    {
      path: '/api/v1/results/<key>.json',
      example: key ? apiPaths.result(key) : null,
      text: 'Everything known of one trial: sizes, cost, quality by group, raw timing samples, placement, the command that reproduces it.',
    },
    {
      path: '/api/v1/schema.json',
      example: '/api/v1/schema.json',
      text: 'JSON Schema of all of these; every field with its unit and meaning.',
    },
  ];
  return (
    <>
      <PageHead title="API">
        <p>
          Static JSON files beside the pages: nothing to sign up for, nothing that rates or logs you. Whole dumps are on
          the <SiteLink href={paths.data}>data page</SiteLink>.
        </p>
      </PageHead>
      <section className="section-tight" aria-labelledby="files">
        <h2 id="files">Files</h2>
        <div className="table-scroll" role="group" aria-label="Files of the API" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Address</th>
                <th scope="col">What it holds</th>
              </tr>
            </thead>
            <tbody>
              {endpoints.map(({ path, example, text }) => (
                <tr key={path}>
                  <th scope="row">
                    <code>{example ? <SiteLink href={example}>{path}</SiteLink> : path}</code>
                  </th>
                  <td>{text}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      <section className="section prose" aria-labelledby="promise">
        <h2 id="promise">What v1 promises</h2>
        <ul>
          <li>
            A field keeps its name, unit and meaning; new ones may be added. What would break a reader becomes v2.
          </li>
          <li>Null means not measured or not known, never zero.</li>
          <li>
            Ids of methods, models and tasks are text of others and may hold anything. Slugs (of boards, contests,
            entries) hold lower-case letters, digits and <code>- _ . ~</code> only, and are what addresses are made of.
          </li>
          <li>
            Figures are not rounded. Accuracies and shares go from 0 to 1, times are in the unit of the field’s name.
          </li>
        </ul>
        <h2 id="views">Views in addresses</h2>
        <p>
          A view of the <SiteLink href={paths.leaderboard}>leaderboard</SiteLink> is its address: <code>model</code>,{' '}
          <code>task</code>, <code>runner</code> choose the board; <code>q</code>, <code>cost</code>, <code>class</code>
          , <code>family</code>, <code>real</code>, <code>tier</code>, <code>status</code> filter it; <code>sort</code>{' '}
          orders it (a minus before the column turns it round); <code>columns</code>, <code>weights</code>,{' '}
          <code>page</code> and <code>x</code> (the plot’s axis) do what they say. “CSV of this view” and “JSON” give
          exactly what is shown.
        </p>
      </section>
    </>
  );
}
