import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { openWorkspace, writeDurably } from '../../../harness/plan/workspace.ts';
import { temporaryFolder } from '../../support/store.ts';

/** Id of a process that has ended. */
function deadProcess(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

describe('openWorkspace', () => {
  it('creates its folders, and can be opened again once released', () => {
    const root = join(temporaryFolder(), 'deep', 'home');
    const first = openWorkspace(root);
    expect(first.storePath).toBe(join(root, 'store.sqlite'));
    first.release();
    openWorkspace(root).release();
    expect(readdirSync(root).sort()).toEqual(['artifacts', 'inputs', 'scratch']);
  });

  it('refuses a second run while the first is alive, and names its process', () => {
    const root = temporaryFolder();
    const first = openWorkspace(root);
    const open = () => openWorkspace(root);
    expect(open).toThrow(InputError);
    expect(open).toThrow(`another run (process ${process.pid}) works in ${root}`);
    first.release();
    expect(readdirSync(root).filter((name) => name.startsWith('run.lock'))).toEqual([]);
  });

  it.each([
    ['of a process that has ended', () => `${deadProcess()} 1`],
    ['of an earlier process with an id that is used again', () => `${process.pid} 1`],
    ['that is empty', () => ''],
    ['that is no lock at all', () => 'hello'],
  ])('takes over a lock %s', (_, lock) => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'run.lock'), lock());
    const workspace = openWorkspace(root);
    expect(readFileSync(join(root, 'run.lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
    workspace.release();
    expect(readdirSync(root).filter((name) => name.startsWith('run.lock'))).toEqual([]);
  });

  it('does not touch the scratch folders of a live run', () => {
    const root = temporaryFolder();
    const first = openWorkspace(root);
    const scratch = first.scratch('trial');
    expect(() => openWorkspace(root)).toThrow(InputError);
    expect(existsSync(scratch)).toBe(true);
    first.release();
  });

  it('removes only what a dead run left in scratch', () => {
    const root = temporaryFolder();
    const first = openWorkspace(root);
    const scratch = first.scratch('trial');
    writeFileSync(join(scratch, 'artifact.onnx'), 'half');
    const kept = first.keepArtifact(Buffer.from('whole'));
    first.release();
    const second = openWorkspace(root);
    expect(existsSync(scratch)).toBe(false);
    expect(second.hasArtifact(kept)).toBe(true);
    expect(second.scratch('trial')).toBe(scratch);
    second.release();
  });

  it('says what to do when the folder cannot be created', () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expect(() => openWorkspace(join(file, 'home'))).toThrow(/cannot be made; name a folder .* --home/);
  });
});

describe('keepArtifact', () => {
  it('names artifacts by their content', () => {
    const workspace = openWorkspace(temporaryFolder());
    const bytes = Buffer.from('an artifact');
    const sha256 = workspace.keepArtifact(bytes);
    expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(readFileSync(workspace.artifactPath(sha256))).toEqual(bytes);
    expect(workspace.keepArtifact(Buffer.from('an artifact'))).toBe(sha256);
    expect(workspace.keepArtifact(Buffer.from('another'))).not.toBe(sha256);
    expect(readdirSync(join(workspace.root, 'artifacts'))).toHaveLength(2);
    expect(workspace.hasArtifact(createHash('sha256').update('none').digest('hex'))).toBe(false);
    workspace.release();
  });

  it('does not mistake a half-written file of a killed run for an artifact', () => {
    const root = temporaryFolder();
    const first = openWorkspace(root);
    const sha256 = createHash('sha256').update('whole').digest('hex');
    writeFileSync(`${first.artifactPath(sha256)}.${deadProcess()}.tmp`, 'who');
    expect(first.hasArtifact(sha256)).toBe(false);
    first.keepArtifact(Buffer.from('whole'));
    expect(readFileSync(first.artifactPath(sha256), 'utf8')).toBe('whole');
    first.release();
  });
});

describe('writeDurably', () => {
  it('replaces a file as a whole and leaves no temporary file', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'file');
    writeDurably(path, Buffer.from('a long first content'));
    writeDurably(path, Buffer.from('second'));
    expect(readFileSync(path, 'utf8')).toBe('second');
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it('keeps the old file where writing fails', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'file');
    writeFileSync(path, 'first');
    mkdirSync(`${path}.${process.pid}.tmp`);
    expect(() => writeDurably(path, Buffer.from('second'))).toThrow(/EISDIR/);
    expect(readFileSync(path, 'utf8')).toBe('first');
  });
});
