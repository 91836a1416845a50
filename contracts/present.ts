/**
 * The value, where the code around it makes sure that there is one and the types cannot tell: `present(rows[0], 'first row')`.
 * Throws an Error that names what is missing; it is a defect of ShrinkRank, not of its input.
 */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`${what} is missing`);
  return value;
}
