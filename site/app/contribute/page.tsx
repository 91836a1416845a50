import type { Metadata } from 'next';
import { DocumentPage } from '../../components/document-page.tsx';
import { projectAddress } from '../../lib/project.ts';

export const metadata: Metadata = {
  title: 'Contribute',
  description: 'Add a compression method to ShrinkRank in one file.',
};

export default function ContributePage() {
  const { repository } = projectAddress();
  return (
    <DocumentPage file="CONTRIBUTING.md" title="Contribute">
      <p>
        A method is one file: copy the nearest one, change it, run it beside the others, open a pull request
        {repository === null ? (
          '.'
        ) : (
          <>
            {' '}
            at <a href={repository}>{repository.replace('https://', '')}</a>.
          </>
        )}
      </p>
    </DocumentPage>
  );
}
