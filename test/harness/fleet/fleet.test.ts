import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  connectRedis,
  decodeResult,
  encodeResult,
  jobIdOf,
  queueNameOf,
  withoutPassword,
} from '../../../harness/fleet/fleet.ts';
import { requireArtifact } from '../../../harness/fleet/fleet-worker.ts';
import { openFreeWorkspace } from '../../../harness/plan/workspace.ts';
import { readMachine, runnerOf } from '../../../harness/measure/machine.ts';
import { sha256Of } from '../../support/rows.ts';
import { temporaryFolder } from '../../support/store.ts';

const machine = readMachine();

describe('a Redis address', () => {
  it.each([
    ['redis://:hunter2@127.0.0.1:1', 'redis://:hunter2@127.0.0.1:1'],
    ['rediss://user:hun/t@er2@example.org', 'no: rediss://user:hun/t@er2@example.org (away)'],
    ['user:hunter2@host', 'user:hunter2@host'],
  ])('is printed without its password: %s', (_, text) => {
    expect(withoutPassword(text)).not.toMatch(/hun|er2/);
    expect(withoutPassword(text)).toMatch(/\*\*\*@(127|example|host)/);
  });

  it('is in no message about a failed connection', async () => {
    const failed = await connectRedis('redis://:hunter2@127.0.0.1:1').catch(String);
    expect(failed).toMatch(/no Redis at \*\*\*@127\.0\.0\.1:1/);
    expect(await connectRedis('user:hunter2@host').catch(String)).not.toContain('hunter2');
  });
});

describe('transmitted values', () => {
  it('round-trip, including what JSON cannot represent', () => {
    const step = {
      kind: 'done' as const,
      step: 'check' as const,
      key: 'k',
      wallSeconds: Infinity,
      outcome: { status: 'failed' as const, reason: 'so' },
    };
    const result = { machine, steps: [{ step, finishedAtMs: -0 }], judged: { status: 'judged' as const } };
    expect(decodeResult(encodeResult(result))).toEqual(result);
  });

  it('have names without colons, which BullMQ reserves', () => {
    expect(jobIdOf('measure', 'abc')).toBe('measure-abc');
    expect(queueNameOf(runnerOf('cpu', machine))).toMatch(/^cpu-[0-9a-f]{16}$/);
  });
});

describe('connectRedis', () => {
  it('reports an address without a Redis server, and the format of an address', async () => {
    const nowhere = join(temporaryFolder(), 'none.sock');
    await expect(connectRedis(nowhere)).rejects.toThrow(`no Redis at ${nowhere}`);
    await expect(connectRedis('localhost')).rejects.toThrow('expected redis://host:port');
  });
});

describe('requireArtifact', () => {
  it('accepts bytes that match their hash, and refuses others and missing ones', () => {
    const workspace = openFreeWorkspace(temporaryFolder());
    const sha256 = workspace.keepArtifact(Buffer.from('a model'));
    expect(() => requireArtifact(workspace, sha256)).not.toThrow();
    writeFileSync(workspace.artifactPath(sha256), 'another');
    expect(() => requireArtifact(workspace, sha256)).toThrow(`expected SHA-256 ${sha256}`);
    expect(() => requireArtifact(workspace, sha256Of('none'))).toThrow('--artifacts must name the same folder');
    workspace.release();
  });
});

describe('openFreeWorkspace', () => {
  it('gives each process its own folder with shared artifacts, and reuses a released one', () => {
    const folder = temporaryFolder();
    const artifacts = join(folder, 'artifacts');
    const [first, second] = [0, 1].map(() => openFreeWorkspace(join(folder, 'workers'), { artifacts }));
    expect([first?.root, second?.root]).toEqual(['1', '2'].map((name) => join(folder, 'workers', name)));
    const sha256 = first?.keepArtifact(Buffer.from('a model')) ?? '';
    expect(second?.hasArtifact(sha256)).toBe(true);
    first?.release();
    expect(openFreeWorkspace(join(folder, 'workers')).root).toBe(first?.root);
  });
});
