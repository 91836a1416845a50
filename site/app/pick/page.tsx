import type { Metadata } from 'next';
import { EmptyBoard } from '../../components/empty-board.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { PickForMe } from '../../components/pick-for-me.tsx';
import { choices, defaultView } from '../../lib/site-data.ts';

export const metadata: Metadata = {
  title: 'Pick for me',
  description:
    'Device, size limit, allowed loss, wished speed, budget: a short list of compression variants with reasons.',
};

export default function PickPage() {
  const view = defaultView();
  return (
    <>
      <PageHead title="Pick for me">
        <p>Say what you have and what you can bear to lose; get a short list, with reasons and what each costs you.</p>
      </PageHead>
      {view ? <PickForMe choices={choices()} initial={view} /> : <EmptyBoard />}
    </>
  );
}
