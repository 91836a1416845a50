import type { Metadata } from 'next';
import { PageHead } from '../../components/page-head.tsx';
import { SiteLink } from '../../components/site-link.tsx';
import { paths } from '../../lib/paths.ts';
import { studies } from '../../lib/repository-file.ts';

export const metadata: Metadata = {
  title: 'Studies',
  description: 'Questions asked of the measured rows, with the answer and the evidence.',
};

export default function StudiesPage() {
  const all = studies();
  return (
    <>
      <PageHead title="Studies">
        <p>A study asks one question of the rows and answers it with the evidence and its limits.</p>
      </PageHead>
      <div className="section">
        {all.length === 0 ? (
          <div className="empty">
            <h2>No study is published yet</h2>
            <p>
              Studies are Markdown files in <code>results/studies/</code> of the repository. Until there is one, the{' '}
              <SiteLink href={paths.leaderboard}>leaderboard</SiteLink> has the rows to ask.
            </p>
          </div>
        ) : (
          <ul className="cards">
            {all.map(({ slug, title, text }) => (
              <li key={slug} className="card">
                <h2 className="card-title">
                  <SiteLink href={paths.study(slug)}>{title}</SiteLink>
                </h2>
                <p>{firstParagraph(text)}</p>
              </li>
            ))}
          </ul>
        )}
      </div>
    </>
  );
}

const LENGTH = 240;

function firstParagraph(text: string): string {
  const paragraph = text.split(/\n\s*\n/).find((part) => /^[A-Za-z0-9"“*]/.test(part.trim())) ?? '';
  const plain = paragraph.replaceAll(/[`*_]|\[|\]\([^)]*\)/g, '').replaceAll(/\s+/g, ' ');
  return plain.length > LENGTH ? `${plain.slice(0, LENGTH).replace(/\s\S*$/, '')} …` : plain;
}
