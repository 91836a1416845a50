import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrialRow } from '../../../contracts/result.ts';
import { type ExecutedRows, executeRows, firstVariants } from '../../support/execute-rows.ts';
import { methodRegistration } from '../../support/tiny-suite.ts';

/** Each hostile method, the status its one row must have, and what its reason must say. */
const EXPECTED: Readonly<Record<string, readonly [status: TrialRow['status'], reason: RegExp]>> = {
  aborts: ['failed', /crashed with SIGABRT/],
  allocates: ['out-of-memory', /more than the limit of 768 MiB/],
  'allocates-objects': ['out-of-memory', /more than the limit of 768 MiB/],
  exits: ['failed', /exit code 0 and no report/],
  garbage: ['invalid', /not a readable ONNX model/],
  grows: ['invalid', /smaller than dense, as a file or as shipped/],
  loops: ['timeout', /not finished after 6 s/],
  'not-a-number': ['invalid', /NaN/],
  prints: ['failed', /printed more than 16 MiB; stopped/],
  'renames-output': ['invalid', /changes the model's outputs: expected logits.*got scores/],
  'returns-nothing': ['invalid', /must return a Model, got undefined/],
  throws: ['failed', /RangeError: the matrix is not the matrix I expected/],
  unchanged: ['invalid', /smaller than dense, as a file or as shipped/],
  unsupported: ['unsupported', /llama has no convolution to prune/],
  waits: ['timeout', /not finished after 6 s/],
};
const SOUND = ['control/dense', 'pruning/magnitude'];

describe('execute with hostile methods', () => {
  let rows: ExecutedRows;
  let home = '';

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'shrinkrank-hostile-'));
    const hostile = Object.keys(EXPECTED).map((id) => join(import.meta.dirname, `../../support/hostile/${id}.ts`));
    // Sound methods first and last: what comes between must not keep the others from running.
    const registrations = await Promise.all([SOUND[0] ?? '', ...hostile, SOUND[1] ?? ''].map(methodRegistration));
    const limits = { trialTimeoutSeconds: 6, judgeTimeoutSeconds: 60, memoryBytes: 768 * 2 ** 20 };
    rows = await executeRows(home, { plan: firstVariants(registrations), limits });
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it.each(Object.entries(EXPECTED))('gives %s exactly one row with the reason', (id, [status, reason]) => {
    const own = rows.trials.filter(({ identity }) => identity.method === id);
    expect(own.map((row) => row.status)).toEqual([status]);
    expect((own[0] as { reason?: string } | undefined)?.reason).toMatch(reason);
  });

  it('still runs all other methods', () => {
    const { trials, evaluations, measurements } = rows;
    const keys = trials.filter(({ status }) => status === 'completed').map(({ key }) => key);
    expect(keys).toHaveLength(SOUND.length);
    expect(evaluations.map(({ trial, status }) => [trial, status])).toEqual(keys.map((key) => [key, 'completed']));
    expect(measurements.map(({ trial, status }) => [trial, status])).toEqual(keys.map((key) => [key, 'completed']));
  });

  it('keeps reasons short', () => {
    for (const row of rows.trials) if (row.status !== 'completed') expect(row.reason.length).toBeLessThan(4000);
  });
});
