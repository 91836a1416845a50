import type { Metadata } from 'next';
import { Name } from '../../components/name.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { SiteLink } from '../../components/site-link.tsx';
import { plural } from '../../lib/format.ts';
import { paths } from '../../lib/paths.ts';
import { boards, catalog, contests, slugOf, taskIds } from '../../lib/site-data.ts';

export const metadata: Metadata = { title: 'Tasks', description: 'What compressed models are asked to do.' };

export default function TasksPage() {
  const known = new Map(catalog().tasks.map((task) => [task.id, task]));
  return (
    <>
      <PageHead title="Tasks">
        <p>A dataset, a metric and a protocol. A method that does well on one task may fail on another.</p>
      </PageHead>
      <ul className="cards section">
        {taskIds().map((id) => {
          const task = known.get(id);
          const places = contests(boards().filter((board) => board.task === id));
          return (
            <li key={id} className="card">
              <h2 className="card-title">
                <SiteLink href={paths.task(slugOf(id))}>
                  <Name text={id} />
                </SiteLink>
              </h2>
              <p>
                <Name text={task?.description ?? 'no longer registered'} />
              </p>
              <p>
                {task && `${task.metric}, ${task.higherIsBetter ? 'higher' : 'lower'} is better · `}
                {places.length > 0 ? plural(places.length, 'model') : 'not measured yet'}
              </p>
            </li>
          );
        })}
      </ul>
    </>
  );
}
