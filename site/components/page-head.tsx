import type { ReactNode } from 'react';
import { SiteLink } from './site-link.tsx';

/** The top of a page: breadcrumb, title, introduction. */
export function PageHead(props: {
  readonly above?: { readonly href: string; readonly title: string };
  readonly title: ReactNode;
  readonly children?: ReactNode;
}) {
  const { above, title, children } = props;
  return (
    <header className="page-head">
      {above && (
        <p className="crumbs">
          <SiteLink href={above.href}>{above.title}</SiteLink> /
        </p>
      )}
      <h1>{title}</h1>
      {children && <div className="lead">{children}</div>}
    </header>
  );
}
