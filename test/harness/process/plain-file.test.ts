import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPlainFile, removeFolder } from '../../../harness/process/plain-file.ts';
import { temporaryFolder } from '../../support/store.ts';

describe('readPlainFile', () => {
  it('reads a regular file', () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, 'content');
    expect(readPlainFile(path, 7)).toMatchObject({ kind: 'read', bytes: Buffer.from('content') });
    expect(readPlainFile(path, 6)).toEqual({ kind: 'too-large', sizeBytes: 7 });
    expect(readPlainFile(`${path}.other`, 7)).toEqual({ kind: 'missing' });
  });

  it.skipIf(process.platform === 'win32')('follows no link, accepts no hard link, and waits for no pipe', () => {
    const folder = temporaryFolder();
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'secret');
    symlinkSync(secret, join(folder, 'link'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    mkdirSync(join(folder, 'folder'));
    for (const name of ['link', 'pipe', 'folder']) {
      expect(readPlainFile(join(folder, name), 100), name).toEqual({ kind: 'not-plain' });
    }
    linkSync(secret, join(folder, 'name'));
    expect(readPlainFile(join(folder, 'name'), 100)).toEqual({ kind: 'not-plain' });
  });
});

it.skipIf(process.platform === 'win32')(
  'removeFolder removes what is too deep to name, and what may not be listed',
  () => {
    const folder = join(temporaryFolder(), 'left');
    const name = 'd'.repeat(200);
    const script = `mkdir -p "$0"; cd "$0"; for i in $(seq 25); do mkdir ${name}; cd -P ${name}; done`;
    execFileSync('sh', ['-c', script, folder]);
    mkdirSync(join(folder, 'closed/inner'), { recursive: true });
    execFileSync('chmod', ['000', join(folder, 'closed')]);
    removeFolder(folder);
    expect(existsSync(folder)).toBe(false);
  },
);
