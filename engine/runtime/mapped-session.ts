/** Sessions whose weights onnxruntime maps from a file, so that no buffer holds a whole model. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { writeModelFile } from '../../numerics/onnx/file.ts';
import { createSession, type Session, type SessionOptions } from './session.ts';

/** Below this size the copies of the model's bytes that a session makes do not matter. */
const SMALLEST_MAPPED_BYTES = 2 ** 24;

/** Smaller weights stay in the graph's own file. */
const SMALLEST_EXTERNAL_BYTES = 4096;

export interface MappedSessionOptions extends SessionOptions {
  /** Folder for the temporary file while the session is loaded; default: the system's temporary folder. */
  readonly scratch?: string;
}

/** Throws the errors of createSession; models may exceed the size limit of one ONNX file. */
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
    // On all systems but Windows a mapped file stays readable after its name is removed.
    if (process.platform !== 'win32') return session;
    return { ...session, release: () => session.release().finally(remove) };
  } finally {
    if (process.platform !== 'win32') remove();
  }
}
