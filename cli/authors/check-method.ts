/**
 * Whether a method may go into a pull request, and where it stands:
 *   npm run check-method -- ternary [--report report.md] [--home folder] [--suite nightly] [--sandbox required]
 * First its declaration, then the contract suite on every architecture, then the quick suite's first model, or all of a
 * suite that is named, for it, the controls and the best published low-cost variants. What the store holds already is not
 * run again. --sandbox is that of `run`: it shuts trials in, not the contract suite, which has the rights of who starts it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { homeOf, openHomeStore } from '../setup/home.ts';
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
  methodUnits,
} from '../setup/registry.ts';
import { runSuite } from '../setup/run-suite.ts';
import { policyOf, sandboxOption } from '../setup/sandbox-option.ts';
import { type Suite, suites } from '../setup/suites.ts';
import { InputError } from '../../contracts/errors.ts';
import type { Method } from '../../engine/definitions/method.ts';
import type { SandboxPolicy } from '../../harness/sandbox/sandbox-support.ts';
import { runContract } from './method-contract.ts';
import { declarationFindings } from './method-declaration.ts';
import { type MethodReport, isReady, renderReport, standingsOf } from './method-report.ts';
import { chooseContenders, publishedEntries } from './method-rivals.ts';

process.exitCode = await main(process.argv.slice(2)).catch(reportError);

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(args);
  const [id = ''] = positionals;
  const method = findById(
    'method',
    methodUnits.map((unit) => unit.method),
    id,
  );
  const report = await interruptible((signal) =>
    check(method, {
      suite: chosenSuite(values.suite),
      home: homeOf(values.home),
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

/** A suite by name; without one, no more than the first model of the first suite. */
function chosenSuite(id: string | undefined): Suite {
  const suite = id === undefined ? (suites[0] as Suite) : findById('suite', suites, id);
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

async function check(method: Method, options: CheckOptions): Promise<MethodReport> {
  const { quiet, signal } = options;
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
  // What breaks its contract has no place on a board, and minutes are saved.
  if (contract.broken.length > 0) return { ...parts, boards: [], undone: [] };
  return { ...parts, ...(await compare(method, options)) };
}

async function compare(
  method: Method,
  { suite, home, quiet, sandbox, signal }: CheckOptions,
): Promise<Pick<MethodReport, 'boards' | 'undone'>> {
  const methods = methodUnits.map((unit) => unit.method);
  const entries = suite.entries.map((entry) => {
    const place = { model: entry.model, task: entry.tasks[0] ?? '' };
    const published = publishedEntries(join(REPOSITORY_ROOT, 'results'), place);
    const names = chooseContenders(method, { methods, listed: findVariants(entry.variants), published });
    if (!quiet) remark(`on ${entry.model}: ${names.join(', ')}`);
    return {
      model: findModel(entry.model),
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
