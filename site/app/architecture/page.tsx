import type { Metadata } from 'next';
import { DocumentPage } from '../../components/document-page.tsx';

export const metadata: Metadata = {
  title: 'Architecture',
  description: 'How ShrinkRank is built: the way of a number from the command line to the board.',
};

export default function ArchitecturePage() {
  return (
    <DocumentPage file="ARCHITECTURE.md" title="How it is built">
      <p>The way of a number from the command line to this page, and the function to open at each step.</p>
    </DocumentPage>
  );
}
