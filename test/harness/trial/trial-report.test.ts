import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type TrialReport, falseCost, readReport } from '../../../harness/trial/trial-report.ts';
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
  it('gives a report as the harness writes it, and when that was', () => {
    const found = read(REPORT);
    expect(found?.report).toEqual(REPORT);
    expect(Math.abs((found?.writtenAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it.each([
    ['nothing', ''],
    ['a piece', JSON.stringify(REPORT).slice(0, 100)],
    ['another field', { ...REPORT, artifact: 'mine' }],
    ['a negative cost', { ...REPORT, cost: { ...REPORT.cost, wallSeconds: -1 } }],
    ['a note for every step', { ...REPORT, notes: Array.from({ length: 33 }, String) }],
    ['a status that is not its to give', { ...REPORT, outcome: { status: 'out-of-memory', reason: 'x' } }],
    ['a megabyte', { ...REPORT, outcome: { status: 'failed', reason: 'x'.repeat(2 ** 20) } }],
  ])('does not take %s for one', (_, value) => {
    expect(read(value)).toBeUndefined();
  });

  it('keeps both ends of a long reason', () => {
    const reason = `first ${'x'.repeat(10_000)} last`;
    const kept = read({ ...REPORT, outcome: { status: 'failed', reason } })?.report.outcome as { reason: string };
    expect(kept.reason).toMatch(/^first x+ \[…\] x+ last$/);
    expect(kept.reason.length).toBeLessThan(3600);
  });
});

describe('falseCost', () => {
  const cost = { ...REPORT.cost, wallSeconds: 10, cpuSeconds: 10 };
  it('allows what loading takes and what clocks differ by', () => {
    expect(falseCost(cost, { wallSeconds: 18, cpuSeconds: 14.9 })).toBeUndefined();
    expect(falseCost(cost, { wallSeconds: 1, cpuSeconds: 0 })).toBeUndefined();
  });
  it('finds time that was left out', () => {
    expect(falseCost(cost, { wallSeconds: 18, cpuSeconds: 15.1 })).toMatch(/10.0 s of processor time.*at least 15.1 s/);
    expect(falseCost(cost, { wallSeconds: 19, cpuSeconds: 14 })).toMatch(/10.0 s of wall time.*at least 19.0 s/);
  });
});
