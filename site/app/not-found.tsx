import { PageHead } from '../components/page-head.tsx';
import { SiteLink } from '../components/site-link.tsx';
import { paths } from '../lib/paths.ts';

export default function NotFound() {
  return (
    <PageHead title="No such page">
      <p>
        It may have been renamed, or a result may have been withdrawn. The{' '}
        <SiteLink href={paths.leaderboard}>leaderboard</SiteLink> has everything that stands, the{' '}
        <SiteLink href={paths.data}>data page</SiteLink> what was corrected.
      </p>
    </PageHead>
  );
}
