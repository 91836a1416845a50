import type { Metadata } from 'next';
import { ResultView } from '../../components/result-view.tsx';
import { paths } from '../../lib/paths.ts';
import { SiteLink } from '../../components/site-link.tsx';

export const metadata: Metadata = {
  title: 'Result',
  description: 'Everything known about one artifact: sizes, quality, raw timing samples, placement, cost.',
};

export default function ResultPage() {
  return (
    <>
      <ResultView />
      <noscript>
        <p className="notice">
          A result is read from <code>/api/v2/results/&lt;key&gt;.json</code>, which takes JavaScript to show here; the
          file itself can be opened as it is. The <SiteLink href={paths.leaderboard}>leaderboard</SiteLink> needs none.
        </p>
      </noscript>
    </>
  );
}
