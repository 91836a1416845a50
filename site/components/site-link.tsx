import type { ComponentProps } from 'react';
import { siteHref } from '../lib/paths.ts';

/**
 * A link within the site: below the base path, and a plain one. Pages are small static files, so nothing is fetched
 * ahead and every page brings its own content security policy.
 */
export function SiteLink({ href, ...rest }: ComponentProps<'a'> & { readonly href: string }) {
  return <a href={siteHref(href)} {...rest} />;
}
