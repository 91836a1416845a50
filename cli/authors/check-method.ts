/**
 * Checks whether a method is ready for a pull request, and where it stands:
 *   npm run check-method -- ternary [--report report.md] [--home folder] [--suite nightly] [--sandbox required]
 * It checks the declaration, runs the contract suite, then runs the method beside the controls and the best published low-cost
 * variants: on the first model of the quick suite, or on all of the suite that --suite names. What the store holds is not run
 * again, unless the method's code has changed since its last check. --sandbox holds for trials; the contract suite runs the
 * method with the rights of whoever starts it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { homeOf, openHomeStore } from '../setup/home.ts';
import { withMadeFiles } from '../setup/made-files.ts';
import { interruptible } from '../setup/interruptible.ts';
import { EXIT_CODES, print, remark, reportError } from '../setup/output.ts';
import { createRunProgress } from '../render/progress.ts';
import {
  REPOSITORY_ROOT,
  findById,
  findDataset,
  findModel,
  findTask,
  findVariants,
  methodRegistrations,
} from '../setup/registry.ts';
import { runSuite } from '../setup/run-suite.ts';
import { policyOf, sandboxOption } from '../setup/sandbox-option.ts';
import { type Suite, suites } from '../setup/suites.ts';
import { InputError } from '../../contracts/errors.ts';
import type { Method } from '../../engine/definitions/method.ts';
import type { MethodRegistration } from '../../harness/plan/plan.ts';
import { present } from '../../contracts/present.ts';
import { plural } from '../../contracts/words/figures.ts';
import type { SandboxPolicy } from '../../harness/sandbox/sandbox-support.ts';
import { runContract } from './method-contract.ts';
import { declarationFindings } from './method-declaration.ts';
import { type MethodReport, isReady, renderReport, standingsOf } from './method-report.ts';
import { chooseContenders, publishedEntries } from './method-rivals.ts';
import { withdrawChangedRows } from './withdraw-changed-rows.ts';

/** By id. */
const checked = methodRegistrations.map((registration) => ({ id: registration.method.id, ...registration }));

process.exitCode = await main(process.argv.slice(2)).catch(reportError);

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(args);
  const [id = ''] = positionals;
  const registration = findById('method', checked, id);
  const home = homeOf(values.home);
  const report = await interruptible((signal) =>
    check(registration, {
      suite: chosenSuite(values.suite),
      home,
      quiet: values.quiet,
      sandbox: policyOf(values.sandbox),
      signal,
    }),
  );
  const text = renderReport(report);
  print(text);
  if (values.report !== undefined) writeFileSync(values.report, text);
  return isReady(report) ? EXIT_CODES.done : EXIT_CODES.incomplete;
}

function readArguments(args: readonly string[]) {
  const usage =
    'usage: npm run check-method -- <id> [--report <file>] [--home <folder>] [--suite <id>] [--sandbox auto|required|off] [--quiet]';
  const options = {
    report: { type: 'string' },
    home: { type: 'string' },
    suite: { type: 'string' },
    sandbox: { type: 'string', default: sandboxOption.default },
    quiet: { type: 'boolean', default: false },
  } as const;
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true });
    if (parsed.positionals.length === 1) return parsed;
  } catch (error) {
    throw new InputError(`check-method: ${error instanceof Error ? error.message : error}; ${usage}`);
  }
  throw new InputError(`check-method: expected one method id; ${usage}`);
}

/** The suite of that id; without one, the first model of the first suite. */
function chosenSuite(id: string | undefined): Suite {
  const suite = id === undefined ? present(suites[0], 'the first suite') : findById('suite', suites, id);
  const entries = suite.entries.filter(({ onRequest = false }) => !onRequest);
  return { ...suite, entries: id === undefined ? entries.slice(0, 1) : entries };
}

interface CheckOptions {
  readonly suite: Suite;
  readonly home: string;
  readonly quiet: boolean;
  readonly sandbox: SandboxPolicy;
  readonly signal: AbortSignal;
}

async function check(registration: MethodRegistration, options: CheckOptions): Promise<MethodReport> {
  const { quiet, signal, home } = options;
  const { method } = registration;
  const say = (text: string) => quiet || remark(text);
  const declaration = declarationFindings(method, REPOSITORY_ROOT);
  say(
    declaration.length === 0
      ? 'declaration in order'
      : declaration.map((finding) => `declaration: ${finding}`).join('\n'),
  );
  say('contract suite …');
  const contract = await runContract(method.id, { root: REPOSITORY_ROOT, signal });
  say(
    `contract: ${contract.kept} promises kept, ${contract.broken.length} broken, ${contract.refused.length} artifacts refused`,
  );
  const parts = { id: method.id, declaration, contract };
  // A method that breaks its contract cannot be ranked, so the run is skipped.
  if (contract.broken.length > 0) return { ...parts, boards: [], undone: [] };
  const withdrawn = withdrawChangedRows({ home, registration, date: new Date() });
  if (withdrawn > 0) say(`the code has changed: ${plural(withdrawn, 'key')} of ${method.id} will be measured again`);
  return { ...parts, ...(await compare(method, options)) };
}

async function compare(
  method: Method,
  { suite, home, quiet, sandbox, signal }: CheckOptions,
): Promise<Pick<MethodReport, 'boards' | 'undone'>> {
  const methods = methodRegistrations.map((registration) => registration.method);
  const entries = suite.entries.map((entry) => {
    const place = { model: entry.model, task: entry.tasks[0] ?? '' };
    const published = publishedEntries(join(REPOSITORY_ROOT, 'results'), place);
    const names = chooseContenders(method, { methods, listed: findVariants(entry.variants), published });
    if (!quiet) remark(`on ${entry.model}: ${names.join(', ')}`);
    return {
      model: withMadeFiles(findModel(entry.model), home),
      calibration: findDataset(entry.calibration),
      tasks: entry.tasks.map(findTask),
      variants: findVariants(names),
      seeds: suite.seeds,
    };
  });
  const progress = createRunProgress({ quiet });
  try {
    const { undone } = await runSuite({
      suite: suite.id,
      entries,
      limits: suite.limits,
      home,
      retryFailed: false,
      sandbox,
      signal,
      onProgress: progress.onEvent,
    });
    progress.stop();
    const store = openHomeStore(home);
    try {
      const places = suite.entries.flatMap(({ model, tasks }) => tasks.map((task) => ({ model, task })));
      return {
        boards: places.map((place) => standingsOf(store, { method: method.id, ...place })),
        undone: undone.map(({ name, reason }) => `${name}: ${reason}`),
      };
    } finally {
      store.close();
    }
  } finally {
    progress.stop();
  }
}
