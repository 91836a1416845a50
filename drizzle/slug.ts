/**
 * Names for URLs and files. Ids come from methods, models and datasets and may contain any character; a slug contains
 * only letters, digits, "-", "_", "." and "~", is not a device name on any system, and never a path.
 */
import { createHash } from 'node:crypto';
import { isDeviceName, plainSlug } from '../contracts/words/plain-slug.ts';

/**
 * `('gptq', 'w4g32')` → `gptq.w4g32`. Parts that are not plain, a name that is too long, or a device name give the
 * plain characters, "~" and 12 hex digits of a hash over the parts: different parts always have different slugs.
 */
export function slugOf(...parts: readonly string[]): string {
  const plain = plainSlug(...parts);
  if (plain !== null) return plain;
  const readable = parts
    .map((part) =>
      part
        .toLowerCase()
        .replaceAll(/[^a-z0-9_-]+/g, '-')
        .replaceAll(/^-+|-+$/g, ''),
    )
    .filter((part) => part !== '')
    .join('.')
    .slice(0, 48);
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
  const start = readable === '' || isDeviceName(readable) ? 'x' : '';
  return `${start}${readable}~${digest}`;
}

/** Key of a variant in maps: method and variant may contain any character. */
export function entryName({ method, variant }: { readonly method: string; readonly variant: string }): string {
  return JSON.stringify([method, variant]);
}
