/** JSON with exactly one representation per value: keys sorted by code unit, no blanks, finite numbers only. */
import { createHash } from 'node:crypto';
import { InputError } from './errors.ts';

/** Throws InputError, with the path, for values that JSON cannot represent: NaN, infinities, functions, bigints. */
export function canonicalJson(value: unknown): string {
  return write(value) ?? refuse(value, '');
}

/** Throws the same errors without producing the text. */
export function requireJson(value: unknown): void {
  if (!isJson(value)) refuse(value, '');
}

function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true;
  if (Array.isArray(value)) return value.every(isJson);
  return (
    typeof value === 'object' && Object.values(value).every((entry: unknown) => entry === undefined || isJson(entry))
  );
}

/** Finds the first invalid value. Paths are built only here, because rows have tens of thousands of numbers. */
function refuse(value: unknown, path: string): never {
  if (value === null || typeof value !== 'object') {
    throw new InputError(`${path || 'the value'}: expected a JSON value, finite if a number, got ${String(value)}`);
  }
  const inside = Array.isArray(value)
    ? value.map((entry: unknown, index) => [`${path}[${index}]`, entry] as const)
    : Object.entries(value).map(([key, entry]) => [path === '' ? key : `${path}.${key}`, entry] as const);
  const bad = inside.find(([, entry]) => (Array.isArray(value) || entry !== undefined) && !isJson(entry));
  refuse(bad?.[1], bad?.[0] ?? path);
}

/** Undefined for a value that JSON cannot represent. */
function write(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      return Number.isFinite(value) ? JSON.stringify(value) : undefined;
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? writeArray(value) : writeObject(value as Fields);
    default:
      return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function writeArray(entries: readonly unknown[]): string | undefined {
  let text = '';
  for (const entry of entries) {
    const written = write(entry);
    if (written === undefined) return undefined;
    text += text === '' ? written : `,${written}`;
  }
  return `[${text}]`;
}

function writeObject(fields: Fields): string | undefined {
  let text = '';
  for (const key of Object.keys(fields).sort()) {
    if (fields[key] === undefined) continue;
    const written = write(fields[key]);
    if (written === undefined) return undefined;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${written}`;
  }
  return `{${text}}`;
}

/** SHA-256 of the canonical JSON, hex. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
