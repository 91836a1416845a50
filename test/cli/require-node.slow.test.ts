import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const LAUNCHER = resolve(import.meta.dirname, '../../cli/shrinkrank.js');

/** Starts shrinkrank in a process that says it is another version of Node. */
function startedBy(version: string) {
  const disguise = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`;
  const args = ['--import', `data:text/javascript,${encodeURIComponent(disguise)}`, LAUNCHER, '--help'];
  return spawnSync(process.execPath, args, { encoding: 'utf8' });
}

describe('shrinkrank', () => {
  it.each(['18.20.8', '20.20.2', '22.17.1', '23.5.0'])('refuses Node %s in one line', (version) => {
    const { status, stdout, stderr } = startedBy(version);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^error: ShrinkRank needs Node 22\.18 or newer[^\n]+\n$/);
    expect(stderr).toContain(`this is Node ${version}`);
  });

  it.each(['22.18.0', '23.6.0', '24.0.0', '30.1.2'])('starts on Node %s', (version) => {
    expect(startedBy(version)).toMatchObject({ status: 0, stderr: '' });
  });
});
