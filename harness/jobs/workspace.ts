/**
 * The folder a run works in: artifacts by content, inputs prepared for child processes, and a scratch folder per child.
 * One run at a time works in it; a lock names the process, and one left by a dead process is taken over.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { InputError } from '../contracts/errors.ts';
import { removeFolder } from './plain-file.ts';

export interface Workspace {
  readonly root: string;
  readonly storePath: string;
  /** Folder of compiled modules; safe to delete. */
  readonly compileCache: string;
  /** The same for the processes of trials, which read it only: what one wrote there would run in the next. */
  readonly trialCache: string;
  /** Where the artifact with this hash lies or would lie. */
  artifactPath(sha256: string): string;
  /** Keeps these bytes as an artifact and gives their hash; on disk for good when it returns. */
  keepArtifact(bytes: Uint8Array): string;
  hasArtifact(sha256: string): boolean;
  /** Where prepared inputs with this name lie. */
  inputPath(name: string): string;
  /** A new empty folder for one child process. */
  scratch(label: string): string;
  release(): void;
}

export function openWorkspace(root: string): Workspace {
  const path = resolve(root);
  const folders = { artifacts: join(path, 'artifacts'), inputs: join(path, 'inputs'), scratch: join(path, 'scratch') };
  try {
    for (const folder of [folders.artifacts, folders.inputs]) mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new InputError(`workspace ${path}: cannot be made; name a folder you may write to with --home`, {
      cause: error,
    });
  }
  const lock = takeLock(join(path, 'run.lock'));
  // Whatever is left here belonged to a run that died.
  removeFolder(folders.scratch);
  mkdirSync(folders.scratch);
  const artifactPath = (sha256: string) => join(folders.artifacts, `${sha256}.onnx`);
  let children = 0;
  return {
    root: path,
    storePath: join(path, 'store.sqlite'),
    compileCache: join(path, 'compile-cache', 'own'),
    trialCache: join(path, 'compile-cache', 'trials'),
    artifactPath,
    keepArtifact(bytes) {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      if (!existsSync(artifactPath(sha256))) writeDurably(artifactPath(sha256), bytes);
      return sha256;
    },
    hasArtifact: (sha256) => existsSync(artifactPath(sha256)),
    inputPath: (name) => join(folders.inputs, name),
    scratch(label) {
      const folder = join(folders.scratch, `${String(++children).padStart(5, '0')}-${label}`);
      mkdirSync(folder);
      return folder;
    },
    release: () => rmSync(lock, { force: true }),
  };
}

/** Writes a file so that it is whole or absent, also after a power cut. */
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

/** The lock appears whole or not at all, and of several runs that find a dead one's only one takes it over. */
function takeLock(path: string): string {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, `${process.pid} ${startOf(process.pid) ?? ''}`);
  try {
    while (!linked(mine, path)) {
      const found = readLock(path);
      if (found === undefined) continue; // released meanwhile
      const [pid, start] = found.split(' ');
      if (Number(pid) > 0 && isAlive(Number(pid), start)) {
        throw new InputError(
          `another run (process ${pid}) works in ${dirname(path)}; wait for it, or name another folder with --home`,
        );
      }
      removeLock(path, found);
    }
    return path;
  } finally {
    rmSync(mine, { force: true });
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

/** Moves the lock aside before removing it: what was moved may be that of a run which was quicker, and goes back. */
function removeLock(path: string, content: string): void {
  const aside = `${path}.${process.pid}.left`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return;
  }
  if (readLock(aside) !== content) linked(aside, path);
  rmSync(aside, { force: true });
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** A process id is used again in time: the same id with another start is another process. */
function isAlive(pid: number, start: string | undefined): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !start || startOf(pid) === start;
}

/** Clock ticks since boot at which the process started, where /proc tells. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
