/**
 * The folder that a run uses: artifacts named by their hash, inputs prepared for child processes, and a scratch folder per
 * child process. One run uses it at a time. The lock file names the process; the lock of a dead process is taken over.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { InputError } from '../../contracts/errors.ts';
import { removeFolder } from '../process/plain-file.ts';
import { STALE_MS, processHolding, releaseProcessLock, tryProcessLock } from '../process/process-lock.ts';

export interface Workspace {
  readonly root: string;
  readonly storePath: string;
  /** Folder of compiled modules; safe to delete. */
  readonly compileCache: string;
  /** The same for trial processes, which may only read it: code written there by one would run in the next. */
  readonly trialCache: string;
  /** Path of the artifact with this hash, whether it exists or not. */
  artifactPath(sha256: string): string;
  /** Stores these bytes as an artifact, synced to disk. @returns their SHA-256. */
  keepArtifact(bytes: Uint8Array): string;
  /** Whether the artifact is there and its bytes are those of the hash; a damaged one counts as missing. */
  hasArtifact(sha256: string): boolean;
  /** What is wrong with the artifact, naming its path; null where it is there and undamaged. */
  faultOfArtifact(sha256: string): string | null;
  /** Path of the prepared input with this name. */
  inputPath(name: string): string;
  /** Folder of the dense model's scores with this name; safe to delete. */
  denseScoresPath(name: string): string;
  /** Makes an empty folder for one child process. @returns its path. */
  scratch(label: string): string;
  release(): void;
}

const LOCK = 'run.lock';

export interface WorkspaceOptions {
  /** Folder of artifacts shared with other workspaces, if any. */
  readonly artifacts?: string;
}

/** Throws InputError where another process uses the workspace or the folder cannot be made. */
export function openWorkspace(root: string, options: WorkspaceOptions = {}): Workspace {
  const path = resolve(root);
  const folders = {
    artifacts: resolve(options.artifacts ?? join(path, 'artifacts')),
    inputs: join(path, 'inputs'),
    scratch: join(path, 'scratch'),
  };
  try {
    for (const folder of [folders.artifacts, folders.inputs]) mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new InputError(`workspace ${path}: cannot be made; name a folder you may write to with --home`, {
      cause: error,
    });
  }
  const lock = join(path, LOCK);
  const holder = tryProcessLock(lock);
  if (holder !== null) {
    const { processId, elsewhere } = holder;
    const where = elsewhere === null ? '' : ` on ${elsewhere}, last seen less than ${STALE_MS / 60_000} minutes ago`;
    throw new InputError(
      `another run (process ${processId}${where}) works in ${path}; wait for it, or name another folder with --home`,
    );
  }
  // Remains of a run that died.
  removeFolder(folders.scratch);
  mkdirSync(folders.scratch);
  const artifactPath = (sha256: string) => join(folders.artifacts, `${sha256}.onnx`);
  let children = 0;
  /** Size and time of files whose bytes were verified against their name. */
  const verified = new Map<string, string>();
  const faultOfArtifact = (sha256: string): string | null => {
    const file = artifactPath(sha256);
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found) {
      return `artifact ${file} does not exist; --artifacts must name the same folder for the coordinator and all workers`;
    }
    const state = `${found.size} ${found.mtimeMs} ${found.ino}`;
    if (verified.get(sha256) === state) return null;
    const got = createHash('sha256').update(readFileSync(file)).digest('hex');
    if (got !== sha256) return `artifact ${file}: expected SHA-256 ${sha256}, got ${got}`;
    verified.set(sha256, state);
    return null;
  };
  return {
    root: path,
    storePath: join(path, 'store.sqlite'),
    compileCache: join(path, 'compile-cache', 'own'),
    trialCache: join(path, 'compile-cache', 'trials'),
    artifactPath,
    keepArtifact(bytes) {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      if (faultOfArtifact(sha256) !== null) writeDurably(artifactPath(sha256), bytes);
      return sha256;
    },
    hasArtifact: (sha256) => faultOfArtifact(sha256) === null,
    faultOfArtifact,
    inputPath: (name) => join(folders.inputs, name),
    denseScoresPath: (name) => join(path, 'dense-scores', name),
    scratch(label) {
      const folder = join(folders.scratch, `${String(++children).padStart(5, '0')}-${label}`);
      mkdirSync(folder);
      return folder;
    },
    release: () => releaseProcessLock(lock),
  };
}

/** Opens the first of the workspaces `<folder>/1`, `<folder>/2` … that no process uses. */
export function openFreeWorkspace(folder: string, options: WorkspaceOptions = {}): Workspace {
  for (let number = 1; ; number++) {
    const root = join(resolve(folder), String(number));
    if (existsSync(root) && processHolding(join(root, LOCK)) !== null) continue;
    try {
      return openWorkspace(root, options);
    } catch (error) {
      if (processHolding(join(root, LOCK)) === null) throw error;
    }
  }
}

/** Writes a file so that it is complete or absent, even after a power failure. */
export function writeDurably(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, 'w');
  try {
    writeFileSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
