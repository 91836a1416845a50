import { paths } from '../lib/paths.ts';
import { SiteLink } from './site-link.tsx';

/** Shown in the place of a board when the store has none. */
export function EmptyBoard() {
  return (
    <div className="empty section">
      <h2>Nothing measured yet</h2>
      <p>
        The store this site was built from holds no results. <code>npm run bench</code> makes the first ones, and{' '}
        <code>npm run site</code> shows them. <SiteLink href={paths.protocol}>How things are measured</SiteLink> stands
        already.
      </p>
    </div>
  );
}
