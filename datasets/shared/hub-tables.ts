/** Tables of a pinned repository of the hub, with a check whether their files are unmodified. */
import { createHash } from 'node:crypto';
import type { HubClient } from '../../contracts/dataset.ts';
import { readParquetRows } from './parquet-rows.ts';

export interface HubTable {
  readonly path: string;
  readonly rows: number;
  /** SHA-256 of the hub's file; absent where unknown. */
  readonly sha256?: string;
}

export interface TableRows {
  /** Names the file in messages. */
  readonly label: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Whether the file is unmodified: its SHA-256 is the known one. */
  readonly isHubFile: boolean;
}

/** Throws InputError when the file is not a Parquet file, lacks a column or has another number of rows. */
export async function readHubTable(
  hub: HubClient,
  source: { readonly repo: string; readonly revision: string },
  { table, columns }: { readonly table: HubTable; readonly columns: readonly string[] },
): Promise<TableRows> {
  const { path, rows: expectedRows, sha256 } = table;
  const { repo, revision } = source;
  const label = `${repo}: ${path}`;
  const bytes = await hub.file({ kind: 'dataset', repo, revision, path });
  const rows = await readParquetRows({ bytes, label, columns, expectedRows });
  return { label, rows, isHubFile: createHash('sha256').update(bytes).digest('hex') === sha256 };
}
