import type { ReactNode } from 'react';

/** A table that may be wider than the page. It scrolls on its own, with the keyboard too, and has a label. */
export function TableScroll(props: {
  readonly label: string;
  /** While what it shows is being fetched. */
  readonly busy?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <div className="table-scroll" role="group" aria-label={props.label} tabIndex={0} aria-busy={props.busy}>
      {props.children}
    </div>
  );
}
