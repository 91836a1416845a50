import type { Metadata } from 'next';
import { DocumentPage } from '../../components/document-page.tsx';

export const metadata: Metadata = {
  title: 'Contribute',
  description: 'Add a compression method to ShrinkRank in one file.',
};

export default function ContributePage() {
  return (
    <DocumentPage file="CONTRIBUTING.md" title="Contribute">
      <p>A method is one file: copy the nearest one, change it, run it beside the others, open a pull request.</p>
    </DocumentPage>
  );
}
