import type { Metadata } from 'next';
import { Compare } from '../../components/compare.tsx';
import { EmptyBoard } from '../../components/empty-board.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { choices, defaultView } from '../../lib/site-data.ts';

export const metadata: Metadata = {
  title: 'Compare',
  description: 'Two to six compression variants side by side: paired differences with intervals, curves overlaid.',
};

export default function ComparePage() {
  const view = defaultView();
  return (
    <>
      <PageHead title="Compare">
        <p>Two to six variants on the same test items: differences are paired, so most of the noise cancels.</p>
      </PageHead>
      {view ? <Compare choices={choices()} initial={view} /> : <EmptyBoard />}
    </>
  );
}
