import type { MetadataRoute } from 'next';
import { paths, siteHref } from '../lib/paths.ts';
import { studies } from '../lib/repository-file.ts';
import { allRuns } from '../lib/runs.ts';
import { methodIds, modelIds, slugOf, taskIds } from '../lib/site-data.ts';

export const dynamic = 'force-static';

/** Search engines need absolute addresses: a build without one (`--local`) removes this file. */
export default function sitemap(): MetadataRoute.Sitemap {
  const origin = process.env.SITE_ORIGIN || 'http://localhost';
  const all = [
    paths.home,
    paths.leaderboard,
    paths.compare,
    paths.pick,
    paths.scores,
    paths.methods,
    ...methodIds().map((id) => paths.method(slugOf(id))),
    paths.models,
    ...modelIds().map((id) => paths.model(slugOf(id))),
    paths.tasks,
    ...taskIds().map((id) => paths.task(slugOf(id))),
    paths.runs,
    ...allRuns().map(({ id }) => paths.run(slugOf(id))),
    paths.studies,
    ...studies().map(({ slug }) => paths.study(slug)),
    paths.history,
    paths.protocol,
    paths.architecture,
    paths.contribute,
    paths.data,
    paths.api,
  ];
  return all.map((path) => ({ url: new URL(siteHref(path), origin).href }));
}
