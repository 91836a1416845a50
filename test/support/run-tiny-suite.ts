/**
 * A process that runs a suite of variants of the tiny model (up to this many of each of five methods) in the folder it is
 * given, by itself or, given the address of Redis, with a fleet of run-tiny-worker.ts; it is there to be killed.
 */
import { runSuite } from '../../cli/setup/run-suite.ts';
import { tinyEntry, tinyLimits, tinySuiteUnits } from './tiny-suite.ts';

const [home = '', variantsPerMethod = '3', redis] = process.argv.slice(2);
const registrations = await tinySuiteUnits();
const variants = registrations.flatMap((registration) =>
  Object.keys(registration.method.variants)
    .slice(0, Number(variantsPerMethod))
    .map((variant) => ({ registration, variant })),
);
const summary = await runSuite({
  suite: 'tiny',
  entries: [tinyEntry(variants)],
  limits: tinyLimits,
  home,
  retryFailed: false,
  signal: new AbortController().signal,
  onProgress: () => {},
  ...(redis !== undefined && { fleet: { redis, provider: 'cpu' } }),
});
process.exitCode = summary.undone.length > 0 ? 3 : 0;
