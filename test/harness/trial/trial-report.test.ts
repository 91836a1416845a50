import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type TrialReport, readReport } from '../../../harness/trial/trial-report.ts';
import { temporaryFolder } from '../../support/store.ts';

const REPORT: TrialReport = {
  notes: ['a note'],
  simulated: null,
  cost: {
    wallSeconds: 1,
    cpuSeconds: 2,
    deviceSeconds: null,
    peakMemoryBytes: 1000,
    tokensSeen: 0,
    gradientSteps: 0,
    energyJoules: null,
  },
  outcome: { status: 'completed', value: null },
};

function read(value: unknown): ReturnType<typeof readReport> {
  const path = join(temporaryFolder(), 'report.json');
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return readReport(path);
}

describe('readReport', () => {
  it('parses a report written by the harness', () => {
    expect(read(REPORT)).toEqual(REPORT);
  });

  it.each([
    ['nothing', ''],
    ['a piece', JSON.stringify(REPORT).slice(0, 100)],
    ['another field', { ...REPORT, artifact: 'mine' }],
    ['a negative cost', { ...REPORT, cost: { ...REPORT.cost, wallSeconds: -1 } }],
    ['a note for every step', { ...REPORT, notes: Array.from({ length: 33 }, String) }],
    ['a status that is not its to give', { ...REPORT, outcome: { status: 'out-of-memory', reason: 'x' } }],
    ['a megabyte', { ...REPORT, outcome: { status: 'failed', reason: 'x'.repeat(2 ** 20) } }],
  ])('refuses %s', (_, value) => {
    expect(read(value)).toBeUndefined();
  });

  it('keeps both ends of a long reason', () => {
    const reason = `first ${'x'.repeat(10_000)} last`;
    const kept = read({ ...REPORT, outcome: { status: 'failed', reason } })?.outcome as { reason: string };
    expect(kept.reason).toMatch(/^first x+ \[…\] x+ last$/);
    expect(kept.reason.length).toBeLessThan(3600);
  });
});
