import type { MetadataRoute } from 'next';
import { siteHref } from '../lib/paths.ts';

export const dynamic = 'force-static';

export default function robots(): MetadataRoute.Robots {
  const origin = process.env.SITE_ORIGIN;
  return {
    rules: { userAgent: '*', allow: '/' },
    ...(origin ? { sitemap: new URL(siteHref('/sitemap.xml'), origin).href } : {}),
  };
}
