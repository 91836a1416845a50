/** Sessions whose weights the runtime maps from a file, so that no buffer holds a whole model. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { writeModelFile } from '../../numerics/onnx/file.ts';
import { createSession, type Session, type SessionOptions } from './session.ts';

/** Below this the copies that a session makes of the bytes of a model do not matter. */
const SMALLEST_MAPPED_BYTES = 2 ** 24;

/** Smaller weights stay in the graph's own file. */
const SMALLEST_EXTERNAL_BYTES = 4096;

export interface MappedSessionOptions extends SessionOptions {
  /** Folder that the file may be written to while the session is loaded; default that of temporary files. */
  readonly scratch?: string;
}

/** Throws what createSession throws; models may be larger than one ONNX file can be. */
export async function createMappedSession(
  model: OnnxModel,
  { scratch = tmpdir(), ...options }: MappedSessionOptions = {},
): Promise<Session> {
  const { initializers } = model.graph;
  const sizeBytes = initializers
    .values()
    .reduce((sum, tensor) => sum + (tensor.dtype === 'string' ? 0 : tensor.bytes.byteLength), 0);
  if (sizeBytes < SMALLEST_MAPPED_BYTES) return createSession(model, options);
  const folder = mkdtempSync(join(scratch, 'session-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'model.onnx');
    writeModelFile(model, path, { externalFromBytes: SMALLEST_EXTERNAL_BYTES });
    const session = await createSession(path, options);
    // A mapped file stays readable without a name, but not on Windows.
    if (process.platform !== 'win32') return session;
    return { ...session, release: () => session.release().finally(remove) };
  } finally {
    if (process.platform !== 'win32') remove();
  }
}
