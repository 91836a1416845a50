/** A worker of a fleet that knows the tiny suite only: of run-tiny-suite.ts, with whose home it shares the artifacts. */
import { join } from 'node:path';
import { InputError } from '../../contracts/errors.ts';
import { createHubClient } from '../../engine/hub/hub-client.ts';
import { connectRedis } from '../../harness/fleet/fleet.ts';
import { workInFleet } from '../../harness/fleet/fleet-worker.ts';
import { openHostLock } from '../../harness/fleet/host-lock.ts';
import { planTrials } from '../../harness/plan/plan.ts';
import { createPreparer } from '../../harness/plan/prepare.ts';
import { openFreeWorkspace } from '../../harness/plan/workspace.ts';
import { readMachine, runnerOf } from '../../harness/measure/machine.ts';
import { tinyEntry, tinySuiteUnits } from './tiny-suite.ts';

const LOCK_MS = 3000;

const [home = '', redisUrl = ''] = process.argv.slice(2);
const registrations = await tinySuiteUnits();
const runner = runnerOf('cpu', readMachine());
const redis = await connectRedis(redisUrl);
const workspace = openFreeWorkspace(join(home, 'workers'), { artifacts: join(home, 'artifacts') });
const interruption = new AbortController();
process.once('SIGTERM', () => interruption.abort());
await workInFleet({
  redis,
  runner,
  workspace,
  preparer: createPreparer(workspace, createHubClient()),
  resolve({ method, variant, seed }) {
    const registration = registrations.find((each) => each.method.id === method);
    const [trial] = registration ? planTrials([tinyEntry([{ registration, variant }], [seed])], runner) : [];
    if (!trial) throw new InputError(`${method} is not of the tiny suite`);
    return trial;
  },
  hostLock: openHostLock(join(home, 'host')),
  company: 'side by side',
  lockMs: LOCK_MS,
  signal: interruption.signal,
});
workspace.release();
redis.disconnect();
