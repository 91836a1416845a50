/** A model's files in memory instead of on disk, while the model is being made. */
import { InputError } from '../../contracts/errors.ts';
import type { ModelFiles } from '../definitions/model.ts';

/** `label` identifies them in messages. */
export function filesInMemory(label: string, files: ReadonlyMap<string, Uint8Array>): ModelFiles {
  function bytesOf(path: string): Uint8Array {
    const bytes = files.get(path);
    if (bytes !== undefined) return bytes;
    throw new InputError(`${label}: has no file "${path}" among ${[...files.keys()].join(', ')}`);
  }
  return {
    has: (path) => files.has(path),
    async read(path, { maxBytes = Infinity } = {}) {
      const bytes = bytesOf(path);
      if (bytes.byteLength <= maxBytes) return bytes;
      throw new InputError(`${label}: ${path}: ${bytes.byteLength} bytes, expected at most ${maxBytes}`);
    },
    async open(path) {
      const bytes = bytesOf(path);
      return {
        label: `${label}: ${path}`,
        sizeBytes: bytes.byteLength,
        read: async (start, end) => bytes.subarray(start, end),
        close: async () => {},
      };
    },
  };
}
