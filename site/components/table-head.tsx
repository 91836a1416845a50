import type { ReactNode } from 'react';

export interface HeadCell {
  readonly key?: string;
  readonly title: ReactNode;
  /** Right-aligned, as the numbers below it. */
  readonly numeric?: boolean;
}

/** A numeric column. */
export function numeric(title: ReactNode, key?: string): HeadCell {
  return { title, numeric: true, ...(key !== undefined && { key }) };
}

/** The head of a table: one cell per column; plain text stands for a text column. */
export function TableHead({ cells }: { readonly cells: readonly (string | HeadCell)[] }) {
  return (
    <thead>
      <tr>
        {cells.map((cell, index) => {
          const { key = String(index), title, numeric = false } = typeof cell === 'string' ? { title: cell } : cell;
          return (
            <th key={key} scope="col" className={numeric ? 'numeric' : undefined}>
              {title}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}
