/**
 * Names for URLs and files. Ids come from methods, models and datasets and may contain any character; a slug contains
 * only letters, digits, "-", "_", "." and "~", is not a device name on any system, and never a path.
 */
import { createHash } from 'node:crypto';

/**
 * The T is that of a basic ISO time, as in run ids; other capitals are not plain, since some file systems ignore case.
 */
const PLAIN = /^[a-z0-9](?:[a-z0-9_-]|(?<=\d{8})T(?=\d{6}))*$/;
/** Names that Windows reserves for devices, with any extension. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/;
const MAX_LENGTH = 120;

/**
 * `('gptq', 'w4g32')` → `gptq.w4g32`. Parts that are not plain, a name that is too long, or a device name give the
 * plain characters, "~" and 12 hex digits of a hash over the parts: different parts always have different slugs.
 */
export function slugOf(...parts: readonly string[]): string {
  const joined = parts.join('.');
  if (parts.every((part) => PLAIN.test(part)) && joined.length <= MAX_LENGTH && !DEVICE.test(joined)) return joined;
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
  const start = readable === '' || DEVICE.test(readable) ? 'x' : '';
  return `${start}${readable}~${digest}`;
}

/** Key of a variant in maps: method and variant may contain any character. */
export function entryName({ method, variant }: { readonly method: string; readonly variant: string }): string {
  return JSON.stringify([method, variant]);
}
