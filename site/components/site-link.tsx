import type { ComponentProps } from 'react';
import { siteHref } from '../lib/paths.ts';

/**
 * A link within the site, below the base path. It is a plain link without prefetching: pages are small static files, and
 * each page has its own content security policy.
 */
export function SiteLink({ href, ...rest }: ComponentProps<'a'> & { readonly href: string }) {
  return <a href={siteHref(href)} {...rest} />;
}
