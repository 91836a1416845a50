/** A worker of a fleet that knows the tiny suite only: of run-tiny-suite.ts, with whose home it shares the artifacts. */
import { join } from 'node:path';
import { InputError } from '../../harness/contracts/errors.ts';
import { createHubClient } from '../../harness/hub/hub-client.ts';
import { connectRedis } from '../../harness/jobs/fleet.ts';
import { workInFleet } from '../../harness/jobs/fleet-worker.ts';
import { openHostLock } from '../../harness/jobs/host-lock.ts';
import { planTrials } from '../../harness/jobs/plan.ts';
import { createPreparer } from '../../harness/jobs/prepare.ts';
import { openFreeWorkspace } from '../../harness/jobs/workspace.ts';
import { readMachine, runnerOf } from '../../harness/measure/machine.ts';
import { tinyEntry, tinySuiteUnits } from './tiny-suite.ts';

const LOCK_MS = 3000;

const [home = '', redisUrl = ''] = process.argv.slice(2);
const units = await tinySuiteUnits();
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
    const unit = units.find((each) => each.method.id === method);
    const [trial] = unit ? planTrials([tinyEntry([{ unit, variant }], [seed])], runner) : [];
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
