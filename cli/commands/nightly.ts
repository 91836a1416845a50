/** `shrinkrank nightly`: what a timer starts. Runs what changed, checks it, and publishes rows, a report and the site. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createCommand } from '../setup/command.ts';
import { homeOf } from '../setup/home.ts';
import { createHubClient } from '../../engine/hub/hub-client.ts';
import { readyEntries } from '../setup/ready-entries.ts';
import { interruptible } from '../setup/interruptible.ts';
import { runNight, writeReport } from '../setup/nightly-run.ts';
import { EXIT_CODES, print, printJson, remark } from '../setup/output.ts';
import { createRunProgress } from '../render/progress.ts';
import { siteAddress } from '../setup/project-address.ts';
import { REPOSITORY_ROOT, WORKING_FOLDER, findById } from '../setup/registry.ts';
import { renderNight } from '../render/render-night.ts';
import { withoutPlan } from '../setup/run-suite.ts';
import { choiceOptions, entriesOf, limitsOf, wholeNumber, workplaceOf } from './run.ts';
import { suites } from '../setup/suites.ts';

export default createCommand({
  name: 'nightly',
  description:
    'Run a suite on what changed, measure a few variants again to find drift, reject a run in which the dense model’s results have changed, publish the rest, write a report and build the site.',
  examples: [
    { line: 'nightly', does: 'The nightly suite; meant for a timer.' },
    { line: 'nightly --suite quick --no-site', does: 'A short one without the site.' },
  ],
  args: {
    ...choiceOptions,
    suite: { ...choiceOptions.suite, default: 'nightly' },
    sentinels: {
      type: 'string',
      description: 'How many variants are measured again, besides dense, to find drift; other ones each night',
      default: '6',
      valueHint: 'count',
    },
    minutes: {
      type: 'string',
      description:
        'Minutes after which no further trial is begun; measuring them takes a third more, and the next nights go on. 0: no limit',
      default: '40',
      valueHint: 'minutes',
    },
    accept: {
      type: 'boolean',
      description: 'Accept the runs although dense left its control band, because the machine has changed',
      default: false,
    },
    to: {
      type: 'string',
      description: 'Folder that the rows are published in (default: results)',
      valueHint: 'folder',
      default: join(WORKING_FOLDER, 'results'),
    },
    site: { type: 'boolean', description: 'Build the site; --no-site does not', default: true },
  },
  async run({ args }) {
    const suite = findById('suite', suites, args.suite);
    const home = homeOf(args.home);
    const minutes = wholeNumber('minutes', args.minutes);
    const asked = await entriesOf(suite, args, { home });
    const { entries, missing } = await interruptible((signal) =>
      readyEntries(asked, { home, hub: createHubClient(), signal, say: remark }),
    );
    const progress = createRunProgress({ quiet: args.quiet });
    try {
      const night = await interruptible((signal) =>
        runNight({
          suite: suite.id,
          entries,
          limits: limitsOf(suite, args),
          home,
          sentinels: wholeNumber('sentinels', args.sentinels),
          ...(minutes > 0 && { mostSeconds: 60 * minutes }),
          date: new Date(),
          results: args.to,
          accept: args.accept,
          signal,
          onProgress: progress.onEvent,
          ...workplaceOf(args),
        }),
      );
      progress.stop();
      const report = renderNight(night);
      const path = writeReport(home, night.suite.run, report);
      if (args.json)
        printJson({ ...night, suite: withoutPlan(night.suite), again: night.again && withoutPlan(night.again) });
      else print(report);
      remark(`report: ${path}`);
      const rejected = night.verdicts.some((verdict) => verdict.rejected);
      if (args.site) buildSite(home);
      if (rejected) return EXIT_CODES.rejected;
      return missing.length + night.suite.undone.length + (night.again?.undone.length ?? 0) > 0
        ? EXIT_CODES.incomplete
        : EXIT_CODES.done;
    } finally {
      progress.stop();
    }
  },
});

/** Throws where it fails: rows and report are on disk by then. */
function buildSite(home: string): void {
  const local = siteAddress() === null;
  if (local) remark('site: `homepage` of package.json is not set: built for this machine, without a sitemap');
  const options = ['--home', home, ...(local ? ['--local'] : [])];
  const { status } = spawnSync('npm', ['run', '--silent', 'site:build', '--', ...options], {
    cwd: REPOSITORY_ROOT,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error(`nightly: npm run site:build ended with exit code ${status}`);
}
