/** JSON with one spelling per value: keys sorted by code unit, no blanks, finite numbers only. */
import { createHash } from 'node:crypto';
import { InputError } from './errors.ts';

/** Throws InputError for anything JSON cannot give back: NaN, infinities, functions, bigints; the path names it. */
export function canonicalJson(value: unknown, path = ''): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((entry, i) => canonicalJson(entry, `${path}[${i}]`)).join(',')}]`;
  if (typeof value === 'object') {
    const fields = Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry, path === '' ? key : `${path}.${key}`)}`);
    return `{${fields.join(',')}}`;
  }
  throw new InputError(`${path || 'the value'}: expected a JSON value, finite if a number, got ${String(value)}`);
}

/** SHA-256 of the canonical JSON, hex. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
