import type { Metadata } from 'next';
import { Name } from '../../components/name.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { SiteLink } from '../../components/site-link.tsx';
import { plural } from '../../lib/format.ts';
import { paths } from '../../lib/paths.ts';
import { boards, catalog, contests, modelIds, slugOf } from '../../lib/site-data.ts';

export const metadata: Metadata = { title: 'Models', description: 'The dense models that ShrinkRank compresses.' };

export default function ModelsPage() {
  const known = new Map(catalog().models.map((model) => [model.id, model]));
  return (
    <>
      <PageHead title="Models">
        <p>The dense networks that methods compress. Each is measured again beside every artifact.</p>
      </PageHead>
      <ul className="cards section">
        {modelIds().map((id) => {
          const model = known.get(id);
          const places = contests(boards().filter((board) => board.model === id));
          return (
            <li key={id} className="card">
              <h2 className="card-title">
                <SiteLink href={paths.model(slugOf(id))}>
                  <Name text={id} />
                </SiteLink>
              </h2>
              <p>
                <Name text={model?.title ?? 'no longer registered'} />
              </p>
              <p>
                {model && (
                  <>
                    <Name text={model.architecture} /> ·{' '}
                  </>
                )}
                {places.length > 0 ? `measured on ${plural(places.length, 'task')}` : 'not measured yet'}
              </p>
            </li>
          );
        })}
      </ul>
    </>
  );
}
