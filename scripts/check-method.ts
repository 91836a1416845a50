/**
 * Whether a method may go into a pull request, and where it stands:
 *   npm run check-method -- ternary [--report report.md] [--home folder]
 * First its declaration, then the contract suite on every architecture, then the quick suite's first model for it, the
 * controls and the best published low-cost variants. What the store holds already is not run again.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { homeOf, openHomeStore } from '../harness/cli/home.ts';
import { EXIT_CODES, print, remark, reportError } from '../harness/cli/output.ts';
import { createRunProgress } from '../harness/cli/progress.ts';
import {
  REPOSITORY_ROOT,
  findDataset,
  findModel,
  findTask,
  findVariants,
  methodUnits,
} from '../harness/cli/registry.ts';
import { runSuite } from '../harness/cli/run-suite.ts';
import { suites } from '../harness/cli/suites.ts';
import { InputError, unknownId } from '../harness/contracts/errors.ts';
import type { Method } from '../harness/contracts/method.ts';
import { runContract } from './method-contract.ts';
import { declarationFindings } from './method-declaration.ts';
import { type MethodReport, isReady, renderReport, standingsOf } from './method-report.ts';
import { chooseContenders, publishedEntries } from './method-rivals.ts';

process.exitCode = await main(process.argv.slice(2)).catch(reportError);

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(args);
  const [id = ''] = positionals;
  const methods = methodUnits.map(({ method }) => method);
  const method = methods.find((known) => known.id === id);
  if (!method) {
    throw unknownId(
      'method',
      id,
      methods.map((known) => known.id),
    );
  }
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interruption.abort());
  const report = await check(method, { home: homeOf(values.home), quiet: values.quiet, signal: interruption.signal });
  const text = renderReport(report);
  print(text);
  if (values.report !== undefined) writeFileSync(values.report, text);
  return isReady(report) ? EXIT_CODES.done : EXIT_CODES.incomplete;
}

function readArguments(args: readonly string[]) {
  const usage = 'usage: npm run check-method -- <id> [--report <file>] [--home <folder>] [--quiet]';
  const options = {
    report: { type: 'string' },
    home: { type: 'string' },
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

async function check(
  method: Method,
  { home, quiet, signal }: { readonly home: string; readonly quiet: boolean; readonly signal: AbortSignal },
): Promise<MethodReport> {
  const say = (text: string) => quiet || remark(text);
  const declaration = declarationFindings(method, REPOSITORY_ROOT);
  say(
    declaration.length === 0
      ? 'declaration in order'
      : declaration.map((finding) => `declaration: ${finding}`).join('\n'),
  );
  say('contract suite …');
  const contract = await runContract(method.id, { root: REPOSITORY_ROOT, signal });
  say(`contract: ${contract.kept} promises kept, ${contract.broken.length} broken`);
  const parts = { id: method.id, declaration, contract };
  // What breaks its contract has no place on a board, and minutes are saved.
  if (contract.broken.length > 0) return { ...parts, boards: [], undone: [] };

  const [suite] = suites;
  const [entry] = suite?.entries ?? [];
  if (!suite || !entry) throw new InputError('the first suite has no model to check a method on; see suites.ts');
  const published = publishedEntries(join(REPOSITORY_ROOT, 'results'), {
    model: entry.model,
    task: entry.tasks[0] ?? '',
  });
  const names = chooseContenders(method, { methods: methodUnits.map((unit) => unit.method), published });
  const variants = findVariants(names);
  say(`${variants.length} variants on ${entry.model}: ${names.join(', ')}`);
  const progress = createRunProgress({ quiet });
  try {
    const { undone } = await runSuite({
      suite: suite.id,
      entries: [
        {
          model: findModel(entry.model),
          calibration: findDataset(entry.calibration),
          tasks: entry.tasks.map(findTask),
          variants,
          seeds: suite.seeds,
        },
      ],
      limits: suite.limits,
      home,
      retryFailed: false,
      signal,
      onProgress: progress.onEvent,
    });
    progress.stop();
    const store = openHomeStore(home);
    try {
      const boards = entry.tasks.map((task) => standingsOf(store, { method: method.id, model: entry.model, task }));
      return { ...parts, boards, undone: undone.map(({ name, reason }) => `${name}: ${reason}`) };
    } finally {
      store.close();
    }
  } finally {
    progress.stop();
  }
}
