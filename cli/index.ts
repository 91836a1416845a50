/** The commands, each in a file of its own that is loaded when it is asked for. */
import { enableCompileCache } from 'node:module';
import { unknownId } from '../contracts/errors.ts';
import { renderHelp, renderUsage } from './render/render-help.ts';
import { outputColumns } from './setup/columns.ts';
import type { Command } from './setup/command.ts';
import { checkArguments } from './setup/command-arguments.ts';
import { EXIT_CODES, print, reportError } from './setup/output.ts';

interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<{ readonly default: Command }>;
}

const commands: Readonly<Record<string, CommandEntry>> = {
  run: {
    summary: 'compress, evaluate and measure a suite, or chosen methods and models',
    load: () => import('./commands/run.ts'),
  },
  board: { summary: 'show the leaderboard', load: () => import('./commands/board.ts') },
  list: { summary: 'list methods, models, tasks and suites', load: () => import('./commands/list.ts') },
  show: { summary: 'show everything known about one variant', load: () => import('./commands/show.ts') },
  compare: { summary: 'compare two variants on the same test items', load: () => import('./commands/compare.ts') },
  study: { summary: 'measure and answer one question', load: () => import('./commands/study.ts') },
  doctor: { summary: 'check what this machine can run', load: () => import('./commands/doctor.ts') },
  export: { summary: 'write rows of the store to results/', load: () => import('./commands/export.ts') },
  import: { summary: 'read published rows into the store', load: () => import('./commands/import.ts') },
  changes: { summary: 'show what a run changed', load: () => import('./commands/changes.ts') },
  correct: { summary: 'withdraw or annotate a published row', load: () => import('./commands/correct.ts') },
  reproduce: {
    summary: 'make published artifacts again and compare the bytes',
    load: () => import('./commands/reproduce.ts'),
  },
  nightly: {
    summary: 'run a suite, check it for drift, publish rows, report and site',
    load: () => import('./commands/nightly.ts'),
  },
  tune: { summary: 'search for the learning rates of methods that train', load: () => import('./commands/tune.ts') },
  worker: { summary: 'work for a fleet until stopped', load: () => import('./commands/worker.ts') },
};

// Most of the time of a short command goes into parsing modules; Node caches them in the system's temporary folder.
enableCompileCache();
process.exitCode = await main(process.argv.slice(2)).catch(reportError);

async function main([name, ...rawArgs]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const summaries = Object.fromEntries(Object.entries(commands).map(([key, { summary }]) => [key, summary]));
    print(renderUsage(summaries, outputColumns()));
    return EXIT_CODES.done;
  }
  const entry = commands[name];
  if (!entry) throw unknownId('command', name, Object.keys(commands));
  const command = (await entry.load()).default;
  if (rawArgs.includes('--help') || rawArgs.includes('-h')) {
    print(renderHelp(command, outputColumns()));
    return EXIT_CODES.done;
  }
  checkArguments(command, rawArgs);
  return command.run(rawArgs);
}
