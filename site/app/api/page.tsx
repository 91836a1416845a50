import type { Metadata } from 'next';
import { PageHead } from '../../components/page-head.tsx';
import { SiteLink } from '../../components/site-link.tsx';
import { TableScroll } from '../../components/table-scroll.tsx';
import { apiPaths } from '../../lib/api-paths.ts';
import { paths } from '../../lib/paths.ts';
import { boards } from '../../lib/site-data.ts';
import { queries, siteStore } from '../../lib/store.ts';
import { TableHead } from '../../components/table-head.tsx';

export const metadata: Metadata = {
  title: 'API',
  description: 'ShrinkRank’s static JSON API: files under /api/v2, what each holds, and the promise that goes with v2.',
};

/** The folder of the JSON Schema files. */
const SCHEMA = 'schema.json';

/** Example values for `<board>` and the other placeholders of a path, taken from the first board. */
function exampleNames(): Readonly<Record<string, string | undefined>> {
  const board = boards()[0];
  if (!board) return {};
  const entry = queries.derivedBoard(siteStore(), board.id).entries.find(({ quality }) => quality);
  const compared = queries.comparedEntries(siteStore(), board.contest)[0];
  return { board: board.id, contest: board.contest, entry: compared ?? entry?.slug, key: entry?.seeds[0]?.key };
}

/** A path with its placeholders filled in; null when nothing published fits them. */
function examplePath(pattern: string, names: ReturnType<typeof exampleNames>): string | null {
  const path = pattern.replaceAll(/<(\w+)>/g, (whole, name: string) => names[name] ?? whole);
  return path.includes('<') ? null : apiPaths.file(path);
}

export default function ApiPage() {
  const names = exampleNames();
  const documents = [
    ...Object.values(queries.API_DOCUMENTS),
    { path: SCHEMA, title: 'JSON Schema of all of these; every field with its unit and meaning.' },
  ];
  return (
    <>
      <PageHead title="API">
        <p>
          Static JSON files beside the pages, without registration, rate limits or logging. Whole dumps are on the{' '}
          <SiteLink href={paths.data}>data page</SiteLink>.
        </p>
      </PageHead>
      <section className="section-tight" aria-labelledby="files">
        <h2 id="files">Files</h2>
        <TableScroll label="Files of the API">
          <table>
            <TableHead cells={['Address', 'What it holds']} />
            <tbody>
              {documents.map(({ path, title }) => {
                const example = examplePath(path, names);
                return (
                  <tr key={path}>
                    <th scope="row">
                      <code>
                        {example ? <SiteLink href={example}>{apiPaths.file(path)}</SiteLink> : apiPaths.file(path)}
                      </code>
                    </th>
                    <td>{title}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </TableScroll>
      </section>
      <section className="section prose" aria-labelledby="promise">
        <h2 id="promise">What v2 promises</h2>
        <ul>
          <li>
            A field keeps its name, unit and meaning; new ones may be added. What would break a reader becomes v3.
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
          , <code>family</code>, <code>real</code>, <code>rank</code>, <code>status</code> filter it; <code>sort</code>{' '}
          orders it (a minus before the column turns it round); <code>columns</code>, <code>weights</code>,{' '}
          <code>page</code> and <code>x</code> (the plot’s axis) do what they say. “CSV of this view” and “JSON” give
          exactly what is shown.
        </p>
      </section>
    </>
  );
}
