import type { Metadata } from 'next';
import type { Family } from '../../../drizzle/queries.ts';
import { Mark } from '../../components/mark.tsx';
import { Name } from '../../components/name.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { SiteLink } from '../../components/site-link.tsx';
import { plural } from '../../lib/format.ts';
import { paths } from '../../lib/paths.ts';
import { boards, catalog, methodIds, slugOf, viewOf } from '../../lib/site-data.ts';
import { capitalized } from '../../../contracts/words/text.ts';

export const metadata: Metadata = {
  title: 'Methods',
  description: 'The compression methods that ShrinkRank runs, by family, with their cost class.',
};

const FAMILY_WORDS: Readonly<Record<Family, string>> = {
  quantization: 'Fewer bits per weight.',
  pruning: 'Weights or whole parts set to zero or taken out.',
  distillation: 'A smaller student learns from the dense model.',
  'low-rank': 'A matrix becomes the product of two thin ones.',
  sharing: 'Layers use the same weights.',
  architecture: 'Cheaper building blocks in place of the dense ones.',
  combined: 'Several of these, one after the other.',
  control: 'Baselines that the others must beat.',
};

export default function MethodsPage() {
  const known = new Map(catalog().methods.map((method) => [method.id, method]));
  const measured = new Map<string, Set<string>>();
  for (const { id } of boards()) {
    for (const row of viewOf(id).rows) {
      const variants = measured.get(row.method) ?? new Set();
      measured.set(row.method, variants.add(row.variant));
    }
  }
  const methods = methodIds().map((id) => ({ id, entry: known.get(id), measured: measured.get(id)?.size ?? 0 }));
  return (
    <>
      <PageHead title="Methods">
        <p>Each method is one file. High-cost methods train; low-cost methods do not.</p>
      </PageHead>
      {(Object.keys(FAMILY_WORDS) as Family[]).map((family) => {
        const members = methods.filter(({ entry }) => entry?.family === family);
        return (
          <section key={family} className="section" aria-labelledby={family}>
            <div className="section-head">
              <h2 id={family}>{capitalized(family)}</h2>
              <p>{FAMILY_WORDS[family]}</p>
            </div>
            {members.length === 0 ? (
              <p className="quiet">No method of this family is registered yet.</p>
            ) : (
              <ul className="cards">
                {members.map(({ id, entry, measured: count }) => (
                  <li key={id} className="card">
                    <h3>
                      <Mark
                        kind={entry?.control ? 'control' : entry?.access === 'trained' ? 'high-cost' : 'low-cost'}
                      />{' '}
                      <SiteLink href={paths.method(slugOf(id))}>
                        <Name text={id} />
                      </SiteLink>
                    </h3>
                    <p>
                      <Name text={entry?.description ?? ''} />
                    </p>
                    <p>
                      {entry?.access} · {count > 0 ? `${plural(count, 'variant')} measured` : 'not measured yet'}
                    </p>
                  </li>
                ))}
              </ul>
            )}
          </section>
        );
      })}
      {methods.some(({ entry }) => !entry) && (
        <section className="section">
          <h2>No longer registered</h2>
          <ul>
            {methods
              .filter(({ entry }) => !entry)
              .map(({ id }) => (
                <li key={id}>
                  <SiteLink href={paths.method(slugOf(id))}>
                    <Name text={id} />
                  </SiteLink>
                </li>
              ))}
          </ul>
        </section>
      )}
    </>
  );
}
