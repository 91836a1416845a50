import type { Metadata } from 'next';
import { Board } from '../../components/board.tsx';
import { EmptyBoard } from '../../components/empty-board.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { choices, defaultView } from '../../lib/site-data.ts';

export const metadata: Metadata = {
  title: 'Leaderboard',
  description: 'Every compression variant of a model and task: quality, size, speed, cost, rank and failures.',
};

/** Rows per page of the table: more of them are slow on a phone. */
const PAGE_SIZE = 25;

export default function LeaderboardPage() {
  const view = defaultView();
  return (
    <>
      <PageHead title="Leaderboard">
        <p>Every variant, failures included. The address holds the whole view: copy it to share what you see.</p>
      </PageHead>
      {view ? <Board choices={choices()} initial={view} parts={['table']} pageSize={PAGE_SIZE} /> : <EmptyBoard />}
    </>
  );
}
