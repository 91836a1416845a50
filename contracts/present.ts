/**
 * Returns the value where the surrounding code guarantees that it exists but the types do not: `present(rows[0], 'first
 * row')`.
 * Throws an Error that names the missing value; it is a defect of ShrinkRank, not of its input.
 */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`${what} is missing`);
  return value;
}
