import type { Metadata } from 'next';
import { Markdown } from '../../../components/markdown.tsx';
import { PageHead } from '../../../components/page-head.tsx';
import { paths } from '../../../lib/paths.ts';
import { studies } from '../../../lib/repository-file.ts';

interface Props {
  readonly params: Promise<{ readonly slug: string }>;
}

/** A static export fails on a route without pages; this page says that there is none. */
const NONE = 'none';

export function generateStaticParams() {
  const slugs = studies().map(({ slug }) => ({ slug }));
  return slugs.length > 0 ? slugs : [{ slug: NONE }];
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { slug } = await params;
  return { title: studies().find((study) => study.slug === slug)?.title ?? 'No study' };
}

export default async function StudyPage({ params }: Props) {
  const { slug } = await params;
  const study = studies().find((each) => each.slug === slug);
  return (
    <>
      <PageHead above={{ href: paths.studies, title: 'Studies' }} title={study?.title ?? 'No study is published yet'} />
      {study && (
        <div className="section">
          <Markdown text={study.text} />
        </div>
      )}
    </>
  );
}
