import { describe, expect, it } from 'vitest';
import { leaderboard } from '../../board/derive/leaderboard.ts';
import { recordMeasurement, recordRun, recordTrial } from '../../drizzle/record.ts';
import { speedExclusion } from '../../drizzle/speed-exclusion.ts';
import { deviceOf, measurementOf, runOf, runnerOf, trialOf } from '../support/rows.ts';
import { temporaryStore } from '../support/store.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';

const placement = (cpuShare: number) => ({
  nodes: { CPUExecutionProvider: 5, CUDAExecutionProvider: 20 },
  timeShare: { CPUExecutionProvider: cpuShare, CUDAExecutionProvider: 1 - cpuShare },
  operators: {},
});

describe('speedExclusion', () => {
  it('accepts CPU timings, and devices that do most of the work', () => {
    expect(speedExclusion({ provider: 'cpu', device: null, placement: placement(1) })).toBeNull();
    expect(speedExclusion({ provider: 'cuda', device: deviceOf(), placement: placement(0.5) })).toBeNull();
  });

  it('says why a row does not count for its device', () => {
    const measured = { provider: 'cuda', device: deviceOf(), placement: placement(0.51) } as const;
    expect(speedExclusion(measured)).toMatch(/^51 % .* CPU, not of cuda$/);
    expect(speedExclusion({ ...measured, device: deviceOf({ kind: 'software', name: 'llvmpipe' }) })).toMatch(
      /llvmpipe, which is software/,
    );
    expect(speedExclusion({ ...measured, device: null })).toMatch(/not recorded/);
  });
});

describe('leaderboard', () => {
  it('leaves out speeds that do not count, and prefers any other runner to a software device', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const trials = [trialOf(), trialOf({ identity: { variant: 'w8' } })];
    const software = runnerOf({ provider: 'webgpu', device: deviceOf({ kind: 'software' }) });
    for (const trial of trials) {
      recordTrial(store, trial);
      recordMeasurement(store, measurementOf(trial, { runner: software }));
    }
    recordMeasurement(store, measurementOf(trials[0] as ReturnType<typeof trialOf>));
    const { model } = trialOf().identity;
    const request = { model, task: 'stories-perplexity', protocol: PROTOCOL.version };
    const board = leaderboard(store, request);
    expect(board.runner?.provider).toBe('cpu');
    expect(board.runners.map(({ provider }) => provider)).toEqual(['cpu', 'webgpu']);
    const other = leaderboard(store, { ...request, runner: software.fingerprint });
    expect(other.entries.map(({ latency }) => latency)).toEqual([[], []]);
    expect(other.entries.flatMap(({ trials: seeds }) => seeds.map(({ measurement }) => measurement))).toMatchObject(
      trials.map(() => ({ status: 'completed', speedExclusion: expect.stringContaining('software') })),
    );
  });
});
