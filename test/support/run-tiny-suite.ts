/** A process that runs a suite of 13 variants of the tiny model in the folder it is given; it is there to be killed. */
import { runSuite } from '../../harness/cli/run-suite.ts';
import { methodUnit, tinyEntry, tinyLimits } from './tiny-suite.ts';

const [home = ''] = process.argv.slice(2);
const paths = ['control/dense', 'quantization/rtn', 'quantization/gptq', 'pruning/random-mask', 'pruning/sparsegpt'];
const units = await Promise.all(paths.map(methodUnit));
const variants = units.flatMap((unit) =>
  Object.keys(unit.method.variants)
    .slice(0, 3)
    .map((variant) => ({ unit, variant })),
);
const summary = await runSuite({
  suite: 'tiny',
  entries: [tinyEntry(variants)],
  limits: tinyLimits,
  home,
  retryFailed: false,
  signal: new AbortController().signal,
  onProgress: () => {},
});
process.exitCode = summary.undone.length > 0 ? 3 : 0;
