import { Board } from '../components/board.tsx';
import { EmptyBoard } from '../components/empty-board.tsx';
import { PageHead } from '../components/page-head.tsx';
import { SiteLink } from '../components/site-link.tsx';
import { paths } from '../lib/paths.ts';
import { choices, defaultView } from '../lib/site-data.ts';

/** Rows shown before the reader pages or filters. */
const PAGE_SIZE = 25;

export default function FrontPage() {
  const view = defaultView();
  return (
    <>
      <PageHead title="Shrinking a language model: is training worth it?">
        <p>
          <strong className="low-cost-text">Low-cost</strong> methods do not train the model.{' '}
          <strong className="high-cost-text">High-cost</strong> methods train it again. ShrinkRank runs both, measures
          what is left and what it cost, and puts the best of each side by side at equal size.{' '}
          <SiteLink href={paths.pick}>Pick one for me</SiteLink>
        </p>
      </PageHead>
      {view ? (
        <Board choices={choices()} initial={view} parts={['headline', 'plot', 'table']} pageSize={PAGE_SIZE} />
      ) : (
        <EmptyBoard />
      )}
    </>
  );
}
