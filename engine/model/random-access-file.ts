/** A local file, read in ranges. */
import { open } from 'node:fs/promises';
import { InputError } from '../../contracts/errors.ts';
import type { RandomAccessFile } from '../definitions/model.ts';

/** Throws InputError where there is no such file. */
export async function openRandomAccessFile(path: string, label = path): Promise<RandomAccessFile> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw new InputError(`${label}: cannot be read: ${(error as Error).message}`, { cause: error });
  });
  const stats = await handle.stat();
  if (!stats.isFile()) {
    await handle.close();
    throw new InputError(`${label}: expected a file, got something else`);
  }
  return {
    label,
    sizeBytes: stats.size,
    async read(start, end) {
      const bytes = new Uint8Array(end - start);
      let filled = 0;
      while (filled < bytes.byteLength) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.byteLength - filled, start + filled);
        if (bytesRead === 0)
          throw new InputError(`${label}: ends at byte ${start + filled}, expected ${end}; fetch it again`);
        filled += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}
