import { describe, expect, it } from 'vitest';
import { recordRun, recordTrial } from '../../../drizzle/record.ts';
import { sentinelEntries } from '../../../cli/setup/nightly-run.ts';
import { planTrials } from '../../../harness/plan/plan.ts';
import { deviceOf, runOf, runnerOf, trialOf } from '../../support/rows.ts';
import { temporaryStore } from '../../support/store.ts';
import { methodRegistration, tinyEntry } from '../../support/tiny-suite.ts';

describe('sentinels of a night', () => {
  it('are dense and variants with reproducible bytes, not those trained on a device', async () => {
    const registrations = await Promise.all(
      ['control/dense', 'quantization/rtn', 'distillation/logit-kd'].map(methodRegistration),
    );
    const variants = registrations.map((registration) => ({
      registration,
      variant: Object.keys(registration.method.variants)[0] as string,
    }));
    const runner = runnerOf({ provider: 'webgpu', device: deviceOf() });
    const chosen = (trainOnDevice: boolean): string[] => {
      const plan = planTrials([tinyEntry(variants)], runner, { trainOnDevice });
      const store = temporaryStore();
      recordRun(store, runOf());
      for (const { key, identity } of plan) recordTrial(store, { ...trialOf({ identity }), key });
      const entries = sentinelEntries(store, { run: 'tonight', plan }, { sentinels: 3, date: new Date(0) });
      return entries.flatMap((entry) => entry.variants.map(({ registration }) => registration.method.id)).toSorted();
    };
    expect(chosen(false)).toEqual(['dense', 'logit-kd', 'rtn']);
    expect(chosen(true)).toEqual(['dense', 'rtn']);
  });
});
