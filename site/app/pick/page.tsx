import type { Metadata } from 'next';
import { EmptyBoard } from '../../components/empty-board.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { PickForMe } from '../../components/pick-for-me.tsx';
import { choices, defaultView } from '../../lib/site-data.ts';

export const metadata: Metadata = {
  title: 'Pick for me',
  description:
    'Enter device, size limit, allowed loss, speed and budget; get a short list of compression variants with reasons.',
};

export default function PickPage() {
  const view = defaultView();
  return (
    <>
      <PageHead title="Pick for me">
        <p>
          Enter your size limit, allowed loss and budget; the page lists the variants that fit, with reasons and
          trade-offs.
        </p>
      </PageHead>
      {view ? <PickForMe choices={choices()} initial={view} /> : <EmptyBoard />}
    </>
  );
}
