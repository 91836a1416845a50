/** `shrinkrank worker`: takes trials from the queue of a fleet until it is stopped. */
import { join } from 'node:path';
import { createCommand } from '../setup/command.ts';
import { InputError } from '../../contracts/errors.ts';
import { createHubClient } from '../../engine/hub/hub-client.ts';
import { connectRedis } from '../../harness/fleet/fleet.ts';
import { DEFAULT_LOCK_MS, workInFleet } from '../../harness/fleet/fleet-worker.ts';
import { openHostLock } from '../../harness/fleet/host-lock.ts';
import { type PlannedTrial, planTrials } from '../../harness/plan/plan.ts';
import { createPreparer } from '../../harness/plan/prepare.ts';
import type { TrialReference } from '../../harness/fleet/fleet.ts';
import type { Runner } from '../../contracts/runner.ts';
import { openFreeWorkspace } from '../../harness/plan/workspace.ts';
import { readMachine } from '../../harness/measure/machine.ts';
import { redisOption, redisUrlOf } from '../setup/fleet-options.ts';
import { homeOf, homeOption } from '../setup/home.ts';
import { withMadeFiles } from '../setup/made-files.ts';
import { interruptible } from '../setup/interruptible.ts';
import { EXIT_CODES, remark } from '../setup/output.ts';
import { findDataset, findModel, findTask, findVariants } from '../setup/registry.ts';
import { providerOf, runnerHere, runnerOption } from '../setup/runner-here.ts';
import { policyOf, sandboxOption } from '../setup/sandbox-option.ts';

export default createCommand({
  name: 'worker',
  description: 'Take trials from the queue of a fleet and run them until stopped.',
  examples: [
    { line: 'worker --redis redis://host:6379', does: 'Work for the fleet of that Redis.' },
    { line: 'worker --redis redis://host:6379 --share-host', does: 'Let several workers run on this machine.' },
  ],
  args: {
    redis: redisOption,
    runner: runnerOption,
    artifacts: {
      type: 'string',
      description:
        'Path on this machine of the folder `artifacts` in the home of `run --fleet` (default: the one of --home)',
      valueHint: 'folder',
    },
    'share-host': {
      type: 'boolean',
      description:
        'Run steps beside other workers of this machine, except timing; by default one worker runs at a time',
      default: false,
    },
    sandbox: sandboxOption,
    quiet: { type: 'boolean', description: 'Print no line for each step', default: false },
    home: homeOption,
  },
  async run({ args }) {
    const { runner, environment } = await runnerHere(providerOf(args.runner), readMachine());
    const sandbox = policyOf(args.sandbox);
    const home = homeOf(args.home);
    return interruptible(async (signal) => {
      const redis = await connectRedis(redisUrlOf(args.redis), remark);
      const workspace = openFreeWorkspace(join(home, 'workers'), {
        artifacts: args.artifacts ?? join(home, 'artifacts'),
      });
      try {
        remark(`worker of kind ${runner.provider} ${runner.fingerprint}, waiting for work`);
        await workInFleet({
          redis,
          runner,
          workspace,
          preparer: createPreparer(workspace, createHubClient()),
          sandbox,
          deviceEnvironment: environment,
          resolve: (reference) => plannedTrialOf(reference, { runner, home }),
          hostLock: openHostLock(),
          company: args['share-host'] ? 'side by side' : 'alone',
          lockMs: DEFAULT_LOCK_MS,
          signal,
          onJob: ({ doing }) => doing !== null && !args.quiet && remark(doing),
        });
        return EXIT_CODES.done;
      } finally {
        workspace.release();
        redis.disconnect();
      }
    });
  },
});

/** Throws InputError for names that are not registered here. */
function plannedTrialOf(
  reference: TrialReference,
  { runner, home }: { readonly runner: Runner; readonly home: string },
): PlannedTrial {
  const entry = {
    model: withMadeFiles(findModel(reference.model), home),
    calibration: findDataset(reference.calibration),
    tasks: reference.tasks.map(findTask),
    variants: findVariants([`${reference.method}/${reference.variant}`]),
    seeds: [reference.seed],
  };
  const [trial] = planTrials([entry], runner, reference);
  if (!trial) throw new InputError(`${reference.method}/${reference.variant}: nothing to do`);
  return trial;
}
