import type { Metadata } from 'next';
import { DocumentPage } from '../../components/document-page.tsx';

export const metadata: Metadata = {
  title: 'Protocol',
  description: 'How each number on ShrinkRank is measured, what is not measured, and what to doubt.',
};

export default function ProtocolPage() {
  return (
    <DocumentPage file="PROTOCOL.md" title="How each number is measured">
      <p>
        The rules of measuring, what is not measured, and known doubts. Rows of different versions never share a column.
      </p>
    </DocumentPage>
  );
}
