/** Rows of a Parquet file in memory, through hyparquet. */
import { parquetReadObjects } from 'hyparquet';
import { InputError } from '../../contracts/errors.ts';

export interface ParquetSource {
  readonly bytes: Uint8Array;
  /** Names the file in messages. */
  readonly label: string;
  readonly columns: readonly string[];
  readonly expectedRows: number;
}

/** Throws InputError when the bytes are not a Parquet file, lack a column or have another number of rows. */
export async function readParquetRows(source: ParquetSource): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { bytes, label, columns, expectedRows } = source;
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  let rows: Record<string, unknown>[];
  try {
    rows = await parquetReadObjects({ file, columns: [...columns] });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(
      `${label}: not a Parquet file with the columns ${columns.join(', ')}: ${reason}; fetch it again`,
      {
        cause,
      },
    );
  }
  if (rows.length !== expectedRows) {
    throw new InputError(
      `${label}: expected ${expectedRows} rows, got ${rows.length}; fetch the pinned revision again`,
    );
  }
  return rows;
}

/** A text cell. Throws InputError for another type. */
export function textCell(row: Readonly<Record<string, unknown>>, column: string, label: string): string {
  const value = row[column];
  if (typeof value !== 'string') {
    throw new InputError(
      `${label}: column ${column} holds ${typeof value}, expected text; fetch the pinned revision again`,
    );
  }
  return value;
}

/** A finite number. Throws InputError for another value. */
export function scoreCell(row: Readonly<Record<string, unknown>>, column: string, label: string): number {
  const value = row[column];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new InputError(
    `${label}: column ${column} holds ${String(value)}, expected a number; fetch the pinned revision again`,
  );
}
