/** Names that stand in addresses as they are; all others need a hash, which only the server makes (drizzle/slug.ts). */

/**
 * The T is that of a basic ISO time, as in run ids; other capitals are not plain, since some file systems ignore case.
 */
const PLAIN = /^[a-z0-9](?:[a-z0-9_-]|(?<=\d{8})T(?=\d{6}))*$/;
/** Names that Windows reserves for devices, with any extension. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/;
const MAX_LENGTH = 120;

export function isDeviceName(name: string): boolean {
  return DEVICE.test(name);
}

/** `('gptq', 'w4g32')` → `gptq.w4g32`; null where a part is not plain, or all of it is too long or a device name. */
export function plainSlug(...parts: readonly string[]): string | null {
  const joined = parts.join('.');
  return parts.every((part) => PLAIN.test(part)) && joined.length <= MAX_LENGTH && !isDeviceName(joined)
    ? joined
    : null;
}
