'use client';
import { usePathname } from 'next/navigation';
import type { ReactNode } from 'react';
import { SiteLink } from './site-link.tsx';

/** A navigation link that marks the current page. */
export function NavLink({ href, children }: { readonly href: string; readonly children: ReactNode }) {
  const here = usePathname();
  return (
    <SiteLink href={href} aria-current={here.startsWith(href) ? 'page' : undefined}>
      {children}
    </SiteLink>
  );
}
